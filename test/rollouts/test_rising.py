"""Counters of processes that may be restarted."""
from cosmos_policy_ros.rollouts.rising import RisingCount


def test_a_count_is_never_negative_when_its_process_begins_again():
    count = RisingCount()
    for value in (5, 7):
        count.see(value)
    count.begin()
    for value in (7, 9, 0, 3):
        count.see(value)
    assert count.total == 5
