"""Who has the arms during an episode, as the safety statuses tell."""
from hypothesis import given
from hypothesis import strategies as st

from cosmos_policy_ros.rollouts.holder import Change, Holder

POLICY, TAKEN = (True, 'policy', ''), (True, 'teleop', 'policy')


def seen(*statuses):
    holder = Holder('policy', 3)
    return holder, [holder.see(*status) for status in statuses]


def test_there_and_back():
    holder, changes = seen((*POLICY, 3), (*TAKEN, 4), (*TAKEN, 4), (*POLICY, 5), (*POLICY, 5))
    assert changes == [Change.NONE, Change.TAKEN, Change.NONE, Change.HANDED_BACK, Change.NONE]
    assert not holder.lost and not holder.taken


def test_another_operator_may_take_them_on():
    holder, changes = seen((*POLICY, 3), (*TAKEN, 4), (True, 'park', 'policy', 5), (*POLICY, 6))
    assert changes == [Change.NONE, Change.TAKEN, Change.NONE, Change.HANDED_BACK] and not holder.lost


def test_what_ends_it():
    """Disarmed, armed anew, or given to somebody else; an intervention's span ends with it."""
    for last in ((False, '', '', 3), (True, 'policy', '', 4), (True, 'teleop', '', 4), (True, 'teleop', 'replay', 4)):
        holder, changes = seen((*POLICY, 3), last)
        assert holder.lost and changes[-1] is Change.NONE
        holder, changes = seen((*POLICY, 3), (*TAKEN, 4), (False, '', '', 4))
        assert holder.lost and changes == [Change.NONE, Change.TAKEN, Change.HANDED_BACK]


def test_a_status_from_before_the_arming_says_nothing():
    holder, changes = seen((False, '', '', 2), (*POLICY, 3))
    assert not holder.lost and set(changes) == {Change.NONE}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(['', 'policy', 'teleop']), st.sampled_from(['', 'policy']),
                          st.integers(0, 9)), max_size=30))
def test_spans_alternate_and_end_with_the_episode(statuses):
    holder = Holder('policy', 3)
    open_spans = 0
    for status in statuses:
        change = holder.see(*status)
        open_spans += {Change.TAKEN: 1, Change.HANDED_BACK: -1, Change.NONE: 0}[change]
        assert open_spans == holder.taken
        if holder.lost:
            break
    assert not (holder.lost and open_spans)
