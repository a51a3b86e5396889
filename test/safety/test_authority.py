"""The lease on the arms by itself: what counts from its first row on, and where its bounds lie."""
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from cosmos_policy_ros.safety.authority import Authority
from cosmos_policy_ros.safety.config import load_config
from safety_rig import CONFIG_FILE

# Times that are exact in binary, so that bounds can be hit.
CONFIG = replace(load_config(CONFIG_FILE), row_period=0.03125, row_slack=0.0078125, row_max_age=0.125, row_max_lead=0.0625,
                 planned_authorities=())


def row(**changes):
    return SimpleNamespace(**{'source': 'policy', 'epoch': 1, 'sequence': 0, 'target_time': 10.0, **changes})


@pytest.fixture
def lease():
    lease = Authority(CONFIG)
    lease.grant('policy')
    lease.open_epoch()
    return lease


def test_it_begins_with_nobody():
    lease = Authority(CONFIG)
    assert (lease.holder, lease.origin, lease.reduced, lease.epoch) == ('', '', False, 0)
    assert lease.silent_for(5.0) == math.inf and lease.clamped_in_a_row == 0 and lease.planned is False
    assert lease.misplaced(row(epoch=0), 10.0)[0] == 'setpoint_source'
    lease.grant('policy')
    assert (lease.holder, lease.origin, lease.reduced) == ('policy', '', False)


@pytest.mark.parametrize('age, good', [(0.125, True), (0.126, False), (-0.0625, True), (-0.063, False)])
def test_bounds_of_age(lease, age, good):
    assert (lease.misplaced(row(), 10.0 + age) is None) == good


def test_rows_come_in_order_on_their_grid(lease):
    """The first one may have any number; a later one may come early by the slack, counted from the grid."""
    assert lease.misplaced(row(sequence=0), 10.0) is None
    lease.take(row(sequence=0), 10.0)
    assert lease.silent_for(10.5) == 0.5
    for sequence, time, reason in ((0, 10.1, 'setpoint_sequence'), (1, 10.03125 - 0.0079, 'setpoint_sequence'),
                                   (1, 10.03125 - 0.0078, None)):
        verdict = lease.misplaced(row(sequence=sequence, target_time=time), time)
        assert (verdict and verdict[0]) == reason
    lease.take(row(sequence=1, target_time=10.03125 - 0.0078), 10.03)
    assert lease.misplaced(row(sequence=2, target_time=10.0625 - 0.0079), 10.05)[0] == 'setpoint_sequence', 'no creeping'
    lease.take(row(sequence=2, target_time=10.5), 10.5)
    assert lease.misplaced(row(sequence=3, target_time=10.53), 10.53) is None, 'a late one begins the grid anew'


def test_a_new_epoch_forgets_the_old_one(lease):
    lease.take(row(sequence=9), 10.0)
    lease.planned, lease.clamped_in_a_row = True, 7
    lease.stands(9.0)
    lease.open_epoch()
    assert lease.misplaced(row(epoch=2), 10.0) is None
    assert (lease.silent_for(10.0), lease.planned, lease.clamped_in_a_row) == (math.inf, False, 0)
    assert lease.outdated(row(epoch=2, observed_at=10.0), 10.0)[0] == 'setpoint_unplanned', 'the arms may still move'
    lease.stands(11.0)
    lease.stands(12.0)
    assert lease.outdated(row(epoch=2, observed_at=11.0), 12.0) is None
    assert lease.outdated(row(epoch=2, observed_at=10.99), 12.0)[0] == 'setpoint_unplanned'


def test_withdrawn_is_withdrawn(lease):
    lease.grant('teleop', 'policy', reduced=True)
    assert (lease.holder, lease.origin, lease.reduced) == ('teleop', 'policy', True)
    lease.withdraw()
    assert (lease.holder, lease.origin, lease.reduced) == ('', '', False)
