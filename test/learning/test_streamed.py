"""Pictures read from disk for a batch give the sequence that the published data set gives."""
import numpy as np
import pytest
import torch
from fine_tuning_rig import CONFIG, small_episodes, small_start

from cosmos_policy_ros.learning.published_augmentation import published_augmentation
from cosmos_policy_ros.learning.shards import read_shard, write_shard
from cosmos_policy_ros.learning.streamed import StreamedDataset
from cosmos_policy_ros.policy.latent_frame import read_value, read_vector
from cosmos_policy_ros.policy.layout import ACTION, FUTURE, PROPRIO, VALUE


@pytest.fixture(scope='module')
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp('shards') / 'shard.h5'
    write_shard(path, small_episodes(2))
    return read_shard(path, stored=True)


def dataset(episodes, encode):
    start = small_start()
    return StreamedDataset(episodes, CONFIG, start.statistics, encode, tuple(start.text_embeddings), 0.998, 'cpu')


def test_stored_pictures_are_the_pictures(stored):
    for episode, other in zip(stored, small_episodes(2)):
        assert episode.images.shape == other.images.shape and len(episode.images) == len(other.images)
        assert all(np.array_equal(episode.images[k], other.images[k]) for k in range(len(other.images)))
        with pytest.raises(IndexError, match='of 4 pictures'):
            episode.images[4]


def test_a_batch_holds_the_clip_encoded_as_one_and_the_numbers(stored):
    start, clips = small_start(), []
    tokenizer = start.tokenizer

    def encode(clip, black):
        clips.append((clip, black))
        return tokenizer.encode(clip, black)

    data = dataset(stored, encode)
    index = torch.tensor([1, 6])
    batch = data.batch(index, data.read(index))
    (clip, black), = clips
    assert black == 2 and not clip[:, [0, 1, 5, 6]].any()
    episode = small_episodes(2)[0]
    # Row 5 of the first episode of 12 rows: its future is the last row, which has the last picture.
    assert np.array_equal(clip[0, 2:5].permute(0, 2, 3, 1), episode.images[1])
    assert np.array_equal(clip[0, 7:10].permute(0, 2, 3, 1), episode.images[3])
    whole = tokenizer.encode(clip)
    pictures = [*CONFIG.layout.image_frames, *CONFIG.layout.future_image_frames]
    assert (batch.clean[:, :, pictures] - whole[:, :, pictures]).abs().max() < 1e-5
    layout, statistics = CONFIG.layout, start.statistics
    chunk = read_vector(batch.clean, layout.index(ACTION), 700)[0].reshape(50, 14).numpy()
    rows = np.minimum(np.arange(5, 55), 11)
    assert np.allclose(statistics.unscale_actions(chunk), episode.action[rows], atol=1e-4)
    # The published policy rounds the joint state to bfloat16.
    for name, row in ((PROPRIO, 5), (FUTURE + PROPRIO, 11)):
        state = statistics.unscale_proprio(read_vector(batch.clean, layout.index(name), 14).numpy())[0]
        assert np.allclose(state, episode.state[row], atol=0.005) and not np.array_equal(state, episode.state[row])
    assert read_value(batch.clean, layout.index(VALUE))[0].item() == pytest.approx(1)


def test_augmentation_is_one_for_all_pictures_of_a_sample_and_another_for_each_sample():
    torch.manual_seed(0)
    picture = (torch.rand(1, 1, 3, 64, 64) * 255).to(torch.uint8)
    changed = published_augmentation(picture.expand(4, 6, -1, -1, -1).clone())
    assert changed.dtype == torch.uint8 and changed.shape == (4, 6, 3, 64, 64)
    assert (changed == changed[:, :1]).all()
    assert all((changed[0] != changed[i]).float().mean() > 0.5 for i in range(1, 4))


def test_augmentation_keeps_black_black_and_grey_grey():
    torch.manual_seed(0)
    black = published_augmentation(torch.zeros(3, 2, 3, 64, 64, dtype=torch.uint8))
    assert not black.any()
    grey = published_augmentation(torch.full((8, 1, 3, 64, 64), 100, dtype=torch.uint8))[:, :, :, 20:44, 20:44]
    assert (grey.amax(2).int() - grey.amin(2).int()).max() <= 1
    # Brightness alone changes an even grey: contrast, saturation and hue leave it.
    assert grey.min() >= 69 and grey.max() <= 131 and grey.float().mean((1, 2, 3, 4)).std() > 5


def test_hue_turns_colours_and_nothing_else():
    torch.manual_seed(0)
    red = torch.zeros(64, 1, 3, 64, 64, dtype=torch.uint8)
    red[:, :, 0] = 120
    middle = published_augmentation(red)[:, 0, :, 32, 32].int()
    assert (middle[:, 0] >= middle[:, 1]).all() and (middle[:, 0] >= middle[:, 2]).all()
    # A twentieth of the circle to either side: up to 30 % of green or of blue comes in.
    assert (middle[:, 1] > middle[:, 2]).any() and (middle[:, 2] > middle[:, 1]).any()
