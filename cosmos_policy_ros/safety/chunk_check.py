"""Look-ahead: whether a whole chunk of rows could be played, before its first row is."""
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, GRIPPER_INDEX, JOINT_NAMES

from .envelope import DIP, ROUNDING
from .limits import stop_pose


@dataclass(frozen=True, eq=False)
class ChunkVerdict:
    """Answer to a chunk: ``row`` is the first bad one, None when all may pass; then ``cause`` is '' as well.

    ``clearance`` (n,) m: smallest distance between the arms at each row, over the pairs that may not overlap; NaN
    where it was not looked at.
    """

    row: int
    cause: str
    detail: str
    clearance: np.ndarray


def check_chunk(rows, position, envelope, first=0):
    """``ChunkVerdict`` on rows that are to be played one period apart.

    The rows are judged as they stand, by what neither cross-fading into the chunk nor smoothing could mend:

    * shape and finite numbers, of the whole chunk;
    * an arm joint that goes from one row to the next faster than the far-outside factor allows; policies open and close
      grippers from one row to the next, and the timeline plays that at the grippers' speed;
    * as many rows in succession beyond a position or speed limit as the envelope would stop at;
    * distances at every row, and where a brake would end that begins there.

    The way to the first row is left out, for the timeline fades into it; acceleration too, for fading and smoothing
    change it; and poses between rows. This is sound, since a chunk that passes is permitted nothing: each row that is
    played goes through ``Envelope.admit``, with everything that is left out here. It can only refuse, and only sooner.

    Args:
        rows: (n, 14), usually (50, 14). position: (14,) last commanded; where it is too close to something, rows may
            lead away. envelope: ``Envelope``. first: rows before it are late and will not be played.

    Raises:
        ValueError: ``first`` leaves no row.
    """
    rows, config = np.asarray(rows, dtype=float), envelope.config
    if rows.ndim != 2 or rows.shape[1] != ACTION_DIM:
        return ChunkVerdict(0, 'setpoint_shape', f'shape {rows.shape}, expected (rows, {ACTION_DIM})', np.empty(0))
    if not 0 <= first < len(rows):
        raise ValueError(f'first row {first} of a chunk of {len(rows)}: refuse a chunk that is late altogether')
    clearance = np.full(len(rows), np.nan)
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        return ChunkVerdict(int(row), 'setpoint_nonfinite', f'row {row}, entry {column}', clearance)
    played = rows[first:]
    with np.errstate(over='ignore'):  # an infinite speed is too fast like any other
        velocity = np.diff(played, axis=0, prepend=played[:1]) / config.row_period
    close, clearance[first:] = _too_close(played, velocity, position, envelope)
    found = [*_too_fast(velocity, envelope), *_too_long_outside(played, velocity, envelope), *close]
    if not found:
        return ChunkVerdict(None, '', '', clearance)
    row, cause, detail = min(found)
    return ChunkVerdict(first + row, cause, f'row {first + row} of {len(rows)}: {detail}', clearance)


def _too_fast(velocity, envelope):
    far = np.abs(velocity) > envelope.config.far_outside_factor * envelope.limits.speed
    far[:, list(GRIPPER_INDEX.values())] = False
    if far.any():
        row = int(far.any(axis=1).argmax())
        yield row, 'far_outside_limits', ', '.join(JOINT_NAMES[i] for i in np.flatnonzero(far[row]))


def _too_long_outside(rows, velocity, envelope):
    limits, longest = envelope.limits, envelope.config.clamped_rows_limit
    outside = ((rows < limits.lower) | (rows > limits.upper) | (np.abs(velocity) > limits.speed)).any(axis=1)
    run = 0
    for row, beyond in enumerate(outside):
        run = run + 1 if beyond else 0
        if run == longest:
            yield row, 'too_many_clamped', f'the last of {run} rows beyond a limit'
            return


def _too_close(rows, velocity, position, envelope):
    """The first row with a distance below its margin, if any, and the clearance (n,) at each row."""
    around = envelope.surroundings
    distances = around.distances(np.concatenate([position[None], rows]))
    at, floor = distances[1:], np.minimum(around.margins + DIP, distances[:-1]) - ROUNDING
    ends = stop_pose(rows, np.clip(velocity, -envelope.limits.speed, envelope.limits.speed), envelope.limits)
    lowest = at - around.travel(rows, ends)
    unsure = (lowest < floor).any(axis=1)
    if unsure.any():
        lowest[unsure] = np.minimum(at[unsure], around.distances(ends[unsure]))
    missing = floor - lowest
    bad = (missing > 0).any(axis=1)
    found = []
    if bad.any():
        row = int(bad.argmax())
        index = int(missing[row].argmax())
        found.append((row, around.cause(index), around.describe(index, lowest[row, index])))
    return found, around.clearance(at)
