"""E1, E2, S3, S4: a million rows of misbehaving sources; ``benchmarks/bench_envelope.py`` plays more."""
import numpy as np
import pytest

from adversaries import PERIOD, TICK, Judge, torture
from cosmos_policy_ros.safety.braking import Brake
from cosmos_policy_ros.safety.config import LONGEST_STOP
from cosmos_policy_ros.safety.envelope import Envelope
from safety_rig import Rig

CONFIG = Rig().config
LIMITS = Envelope(CONFIG).limits


@pytest.fixture(scope='module')
def judge():
    return torture(10_000, 100, LIMITS, CONFIG.far_outside_factor, CONFIG.clamped_rows_limit)


def test_no_sample_violates_a_limit_in_a_million_rows(judge):
    """Position, speed, acceleration and stoppability of every emitted sample, of rows and of brakes."""
    assert judge.rows == 1_000_000
    assert judge.clamped > 100_000 and judge.stops > 100_000, 'the adversaries have lost their teeth'
    assert judge.violations == 0


def test_no_bit_of_an_admissible_row_is_changed(judge):
    assert judge.changed_bits == 0


@pytest.mark.parametrize('name', ['speed', 'acceleration', 'position', 'stop'])
def test_the_judge_finds_violations(name):
    """Each rule of the judge, by a sample that breaks it alone."""
    judge, at, rest = Judge(LIMITS), (LIMITS.lower + LIMITS.upper)[None] / 2, np.zeros((1, 14))
    moved, speed, way = at.copy(), rest.copy(), rest.copy()
    if name == 'speed':
        speed[0, 0], way[0, 0] = LIMITS.speed[0], 1.01 * LIMITS.speed[0] * PERIOD
    elif name == 'acceleration':
        way[0, 0] = 1.01 * LIMITS.acceleration[0] * PERIOD ** 2
    elif name == 'position':
        at[0, 0] = LIMITS.upper[0]
        way[0, 0] = 1e-6
    else:
        at[0, 0] = LIMITS.upper[0] - 0.12 - 0.1
        speed[0, 0], way[0, 0] = LIMITS.speed[0], LIMITS.speed[0] * PERIOD
    moved = at + way
    judge.sample(at, speed, moved, PERIOD)
    assert judge.violations == {'position': 2}.get(name, 1)


def test_at_rest_from_full_speed_in_time():
    """S4: all joints at their speed limits at once are at rest within half a second, within their accelerations."""
    middle = (LIMITS.lower + LIMITS.upper) / 2
    brake = Brake(middle, LIMITS.speed, LIMITS, 0.0)
    assert brake.duration <= 0.1 < LONGEST_STOP
    commands = np.array([middle, *(brake.at(tick * TICK)[0] for tick in range(1, 11))])
    speeds = np.concatenate([[LIMITS.speed], np.diff(commands, axis=0) / TICK])
    assert (np.abs(np.diff(speeds, axis=0)) <= LIMITS.acceleration * TICK * (1 + 1e-9)).all()
    assert np.abs(speeds[-1]).max() < 1e-12


def test_a_command_off_the_stop_profile_is_found():
    judge, position = Judge(LIMITS), (LIMITS.lower + LIMITS.upper)[None] / 2
    brake = Brake(position, LIMITS.speed[None], LIMITS, 0.0)
    commands = [brake.at(tick * TICK)[0] for tick in range(1, 12)]
    judge.stop(position, LIMITS.speed[None], commands)
    assert judge.violations == 0
    commands[3] = commands[3] + 1e-6
    judge.stop(position, LIMITS.speed[None], commands)
    assert judge.violations == 14
