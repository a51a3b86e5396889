"""The frame layout and its masks are the published ones."""
import pytest

from cosmos_policy_ros.policy.layout import ALOHA_LAYOUT, FrameLayout, Stage


@pytest.mark.parametrize('stage, expected', [
    (Stage.POLICY, '11111000000'), (Stage.WORLD_MODEL, '11111100000'), (Stage.VALUE, '11111111110'),
    (Stage.FUTURE_VALUE, '10000011110'), (Stage.ACTION_VALUE, '11111100000')])
def test_mask_of_each_question(stage, expected):
    assert ''.join(str(int(bit)) for bit in ALOHA_LAYOUT.mask(stage)) == expected


def test_frames_are_where_the_published_model_has_them():
    assert [ALOHA_LAYOUT.index(name) for name in ('proprio', 'action', 'future_proprio', 'value')] == [1, 5, 6, 10]
    assert ALOHA_LAYOUT.cameras == ('cam_left_wrist', 'cam_right_wrist', 'cam_high')
    assert ALOHA_LAYOUT.image_frames == (2, 3, 4) and ALOHA_LAYOUT.future_image_frames == (7, 8, 9)


@pytest.mark.parametrize('frames', [
    ('blank', 'proprio', 'action', 'value'), ('blank', 'action'), ('action', 'value'),
    ('blank', 'proprio', 'proprio', 'action', 'future_proprio', 'future_proprio', 'value')])
def test_a_layout_whose_future_does_not_mirror_the_present_is_refused(frames):
    with pytest.raises(ValueError, match='expected blank'):
        FrameLayout(frames)
