"""The followers' lag as it is read from a recording."""
import numpy as np
import pytest

from cosmos_policy_ros.rollouts.lag import lag_of

SENT = np.arange(0, 6, 0.04)
MEASURED = np.arange(0, 6, 0.01)


def path(times):
    return 0.4 * np.sin(1.7 * times) + 0.1 * np.sin(5.3 * times)


@pytest.mark.parametrize('lag', [0.0, 0.06, 0.15, 0.3])
def test_a_pure_delay_is_found(lag):
    assert lag_of(SENT, path(SENT), MEASURED, path(MEASURED - lag)) == pytest.approx(lag, abs=0.006)


def test_a_first_order_servo_lags_by_its_time_constant():
    """For motion that is slow against it; the time constant of the simulated arms is about 0.1 s."""
    follower, time_constant = np.zeros(len(MEASURED)), 0.1
    for i in range(1, len(MEASURED)):
        follower[i] = follower[i - 1] + 0.01 / time_constant * (0.4 * np.sin(1.7 * MEASURED[i]) - follower[i - 1])
    assert lag_of(SENT, 0.4 * np.sin(1.7 * SENT), MEASURED, follower) == pytest.approx(time_constant, abs=0.015)


def test_a_joint_that_stands_still_tells_nothing():
    assert np.isnan(lag_of(SENT, np.zeros(len(SENT)), MEASURED, np.zeros(len(MEASURED))))
    assert np.isnan(lag_of(SENT[:1], path(SENT[:1]), MEASURED, path(MEASURED)))
