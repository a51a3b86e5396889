"""Who gets the arms when somebody takes hold of a handle, and when they go back."""
import pytest

from cosmos_policy_ros.control.jog_request import Wish, on_grab, on_hand_back, on_idle


@pytest.mark.parametrize('authority, wish', [
    ('', Wish.ARM), ('policy', Wish.TAKE), ('teleop', Wish.TAKE), ('jog', Wish.NONE)])
def test_a_grab_asks_for_the_arms_once(authority, wish):
    assert on_grab('jog', authority) is wish


@pytest.mark.parametrize('authority, origin, wish', [('jog', 'policy', Wish.HAND_BACK), ('jog', '', Wish.DISARM),
                                                     ('policy', '', Wish.NONE), ('', '', Wish.NONE)])
def test_handing_back_goes_to_where_they_came_from(authority, origin, wish):
    assert on_hand_back('jog', authority, origin) is wish


@pytest.mark.parametrize('authority, origin, idle, wish', [
    ('jog', '', 2.0, Wish.DISARM), ('jog', '', 0.5, Wish.NONE), ('jog', 'policy', 100.0, Wish.NONE),
    ('policy', '', 100.0, Wish.NONE)])
def test_only_arms_that_nobody_else_waits_for_go_back_by_themselves(authority, origin, idle, wish):
    assert on_idle('jog', authority, origin, idle, 1.0) is wish
