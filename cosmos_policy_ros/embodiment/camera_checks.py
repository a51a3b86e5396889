"""What a run of pictures tells about a camera: still, dark, and which arm its wrist camera sits on. Fed by data only."""
from dataclasses import dataclass

import numpy as np

THUMBNAIL = (12, 16)
"""Rows and columns of the small grey picture in which change is looked for."""

AT_REST, IN_MOTION = 0.02, 0.08
"""rad/s, mean over an arm's joints: below the first it stands, above the second it moves."""

FRAMES = 4
"""Pictures during which one arm alone moved, from which on they count."""

CLEARER = 1.5
"""By how much the pictures of one wrist camera have to change more than those of the other."""

LEAST_CHANGE = 0.5
"""Grey levels, of 255, of mean change from picture to picture below which nothing was seen to move."""

STRAIGHT, SWAPPED, UNDECIDED = 'straight', 'swapped', 'undecided'


@dataclass(frozen=True, eq=False)
class Glance:
    """One picture as the checks need it: ``stamp`` s, ``digest`` of all pixels, ``thumbnail`` ``THUMBNAIL`` grey levels."""

    stamp: float
    digest: int
    thumbnail: np.ndarray


def thumbnail(image):
    """``THUMBNAIL`` mean grey levels of an (h, w, 3) uint8 picture; every fourth pixel is looked at."""
    grey = image[::4, ::4].mean(axis=2)
    rows, columns = (np.linspace(0, size, parts + 1).astype(int) for size, parts in zip(grey.shape, THUMBNAIL))
    return np.array([[grey[top:bottom, left:right].mean() for left, right in zip(columns, columns[1:])]
                     for top, bottom in zip(rows, rows[1:])])


def brightness(glance):
    """Mean grey level of a ``Glance``, 0 to 255."""
    return float(glance.thumbnail.mean())


def still_time(glances):
    """s, the longest time for which successive pictures were the same in every pixel."""
    longest, since = 0.0, None
    for before, glance in zip(glances, glances[1:]):
        if glance.digest != before.digest:
            since = None
        else:
            since = before.stamp if since is None else since
            longest = max(longest, glance.stamp - since)
    return longest


def median_rate(stamps):
    """Hz of a stream by the median of the time between its stamps (s): some that were lost on the way do not count."""
    steps = np.diff(np.asarray(stamps, dtype=float))
    steps = steps[steps > 0]
    return float(1.0 / np.median(steps)) if steps.size else 0.0


def picture_change(glances):
    """((n,) begins, (n,) ends, (n,) mean grey levels) of the change from each picture to the next."""
    stamps = np.array([glance.stamp for glance in glances])
    shrunk = np.array([glance.thumbnail for glance in glances])
    return stamps[:-1], stamps[1:], np.abs(np.diff(shrunk, axis=0)).mean(axis=(1, 2))


def mean_motion(stamps, joints, begins, ends):
    """(n,) rad/s, mean over the joints, of an arm between ``begins`` and ``ends``; NaN where it was not measured.

    Args:
        stamps: (m,) s. joints: (m, 6) rad.
    """
    stamps, joints = np.asarray(stamps, dtype=float), np.asarray(joints, dtype=float)
    speeds = np.full(len(begins), np.nan)
    for i, (begin, end) in enumerate(zip(begins, ends)):
        inside = np.flatnonzero((stamps >= begin) & (stamps <= end))
        if len(inside) >= 2:
            first, last = inside[0], inside[-1]
            speeds[i] = np.abs(joints[last] - joints[first]).mean() / max(stamps[last] - stamps[first], 1e-6)
    return speeds


def wrist_cameras(left, right, arms):
    """Whether the wrist cameras sit on the arms that they are named after.

    The pictures of a wrist camera change as a whole when its own arm moves, and hardly when only the other one does. Looked
    at is the time in which one arm alone moves.

    Args:
        left, right: ``Glance`` of each wrist camera, by time. arms: (stamps (m,), joints (m, 6)) of left and right arm.

    Returns:
        ``STRAIGHT``, ``SWAPPED``, or ``UNDECIDED`` when no arm moved alone for ``FRAMES`` pictures or too little was seen.
    """
    changes = [_alone(camera, arms) for camera in (left, right)]
    votes = []
    for arm in (0, 1):
        own, other = changes[arm][arm], changes[1 - arm][arm]
        if own is None or other is None or max(own, other) < LEAST_CHANGE:
            continue
        if own > CLEARER * other:
            votes.append(STRAIGHT)
        elif other > CLEARER * own:
            votes.append(SWAPPED)
    return votes[0] if votes and len(set(votes)) == 1 else UNDECIDED


def _alone(glances, arms):
    """Mean change of a camera's pictures while only the left, and while only the right arm moves; None for too few."""
    if len(glances) < 2:
        return None, None
    begins, ends, change = picture_change(glances)
    left, right = (mean_motion(*arm, begins, ends) for arm in arms)
    found = []
    for moving, standing in ((left, right), (right, left)):
        chosen = (moving > IN_MOTION) & (standing < AT_REST)
        found.append(float(change[chosen].mean()) if chosen.sum() >= FRAMES else None)
    return tuple(found)
