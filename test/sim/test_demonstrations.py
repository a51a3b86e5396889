from dataclasses import fields

import numpy as np
import pytest

from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.sim.demonstrations import HOLD_ROWS, Recorder, demonstrate
from cosmos_policy_ros.sim.disturbances import CommandNoise
from cosmos_policy_ros.sim.world import World


@pytest.fixture(scope='module')
def recorder():
    made = Recorder(World('plate'), image_size=16, supersample=2, image_every=20)
    yield made
    made.close()


def test_demonstration_has_the_documented_shapes_and_images_its_last_row(recorder):
    demo = recorder.demonstrate('plate', 0)
    rows, pictures = len(demo.action), len(demo.image_rows)
    assert demo.success and demo.score == 1.0 and demo.instruction == 'put the duck on the plate'
    assert demo.state.shape == demo.action.shape == (rows, 14) and demo.state.dtype == demo.action.dtype == np.float32
    assert demo.images.shape == (pictures, 3, 16, 16, 3) and demo.images.dtype == np.uint8
    assert demo.image_rows[0] == 0 and demo.image_rows[-1] == rows - 1 and demo.image_rows.dtype == np.int32
    assert np.abs(demo.state[0] - START).max() < 0.02
    assert np.abs(np.diff(demo.action[-HOLD_ROWS:], axis=0)).max() < 0.01


@pytest.mark.parametrize('variant', ['clean', 'displaced_noisy'])
def test_same_seed_gives_the_same_bytes(recorder, variant):
    one, other = (recorder.demonstrate('transfer', 11, variant) for _ in range(2))
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) else a == b


def test_noise_is_executed_and_not_recorded(recorder):
    clean, noisy = (recorder.demonstrate('plate', 2, variant) for variant in ('clean', 'noisy'))
    assert np.abs(clean.action[:20] - noisy.action[:20]).max() < 0.005
    assert np.abs(clean.state[10:20] - noisy.state[10:20]).max() > 0.005


def test_prefix_policy_drives_first_and_is_not_recorded(recorder):
    calls = []

    def lower_right_arm(world):
        calls.append(world.time)
        return START + 0.3 * (np.arange(14) == 8)

    demo = recorder.demonstrate('plate', 0, prefix=(lower_right_arm, 20))
    assert len(calls) == 20 and demo.success
    assert demo.state[0][8] - START[8] > 0.25


def test_unknown_variant_names_the_known_ones():
    with pytest.raises(ValueError, match='clean, noisy, displaced'):
        demonstrate('plate', 0, 'tidy', image_size=8)


def test_command_noise_is_correlated_has_its_scale_and_spares_the_grippers():
    noise = CommandNoise(np.random.default_rng(0), 0.02)
    values = np.array([noise.next() for _ in range(4000)])
    assert (values[:, [6, 13]] == 0).all()
    assert values[200:, 0].std() == pytest.approx(0.02, rel=0.15)
    assert np.corrcoef(values[:-1, 0], values[1:, 0])[0, 1] > 0.85
