"""How far the arms lag behind their commands, measured from a recording."""
import numpy as np

from ..embodiment.joints import ARM_JOINTS

STEP = 0.005
"""s between two lags that are tried."""

LONGEST = 0.5
"""s, the longest lag that is tried."""

LEAST_MOTION = 0.05
"""rad; a joint whose commands stay within less tells nothing."""


def lag_of(sent_times, sent, measured_times, measured):
    """s by which a measured joint follows its command: the shift with the smallest mean square difference.

    Args:
        sent_times, sent: (n,) s and rad; a command holds until the next. measured_times, measured: (m,) s and rad.

    Returns:
        NaN when there is too little motion to tell.
    """
    if len(sent) < 2 or np.ptp(sent) < LEAST_MOTION:
        return np.nan
    within = (measured_times >= sent_times[0] + LONGEST) & (measured_times <= sent_times[-1])
    times, values = measured_times[within], measured[within]
    if not len(times):
        return np.nan
    lags = np.arange(0.0, LONGEST + STEP / 2, STEP)
    errors = [np.mean((values - np.interp(times - lag, sent_times, sent)) ** 2) for lag in lags]
    return float(lags[int(np.argmin(errors))])


def joint_lags(series):
    """{joint name: s} of the twelve arm joints of an ``EpisodeSeries``; NaN for those that hardly moved."""
    lags = {}
    for side, sent, measured in zip(('left', 'right'), series.sent, series.measured):
        for i, joint in enumerate(ARM_JOINTS):
            lags[f'{side}_{joint}'] = lag_of(sent.time, sent.value[:, i], measured.time, measured.value[:, i]) \
                if len(sent.time) else np.nan
    return lags


def followers_lag(series):
    """Median lag (s) over the joints that moved; NaN when none did."""
    lags = [lag for lag in joint_lags(series).values() if not np.isnan(lag)]
    return float(np.median(lags)) if lags else float('nan')
