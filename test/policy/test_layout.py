"""The frame layouts are the published ones; the masks of ALOHA are in ``golden_vectors``."""
import pytest

from cosmos_policy_ros.policy.layout import (ALOHA_LAYOUT, LIBERO_LAYOUT, ROBOCASA_LAYOUT, FrameLayout, Stage)


def test_frames_are_where_the_published_model_has_them():
    assert [ALOHA_LAYOUT.index(name) for name in ('proprio', 'action', 'future_proprio', 'value')] == [1, 5, 6, 10]
    assert ALOHA_LAYOUT.cameras == ('cam_left_wrist', 'cam_right_wrist', 'cam_high')
    assert ALOHA_LAYOUT.image_frames == (2, 3, 4) and ALOHA_LAYOUT.future_image_frames == (7, 8, 9)


@pytest.mark.parametrize('layout, frames, cameras, action, state', [
    (LIBERO_LAYOUT, 9, ('wrist', 'primary'), 4, (1, 5)),
    (ROBOCASA_LAYOUT, 11, ('wrist', 'primary', 'secondary'), 5, (1, 6))])
def test_the_other_robots_of_the_family_have_their_own_order(layout, frames, cameras, action, state):
    assert len(layout) == frames and layout.cameras == cameras and layout.index('action') == action
    assert (layout.index('proprio'), layout.index('future_proprio')) == state and layout.index('value') == frames - 1


@pytest.mark.parametrize('stage, expected', [
    (Stage.POLICY, '111100000'), (Stage.WORLD_MODEL, '111110000'), (Stage.VALUE, '111111110'),
    (Stage.FUTURE_VALUE, '100001110'), (Stage.ACTION_VALUE, '111110000')])
def test_masks_follow_a_shorter_layout(stage, expected):
    assert ''.join(str(int(bit)) for bit in LIBERO_LAYOUT.mask(stage)) == expected


@pytest.mark.parametrize('frames', [
    ('blank', 'proprio', 'action', 'value'), ('blank', 'action'), ('action', 'value'),
    ('blank', 'proprio', 'proprio', 'action', 'future_proprio', 'future_proprio', 'value')])
def test_a_layout_whose_future_does_not_mirror_the_present_is_refused(frames):
    with pytest.raises(ValueError, match='expected blank'):
        FrameLayout(frames)
