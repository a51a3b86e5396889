from dataclasses import replace

import numpy as np
import pytest

from cosmos_policy_ros.learning.collection import Imaging, collect
from cosmos_policy_ros.learning.shards import read_shard, read_shards, write_shard
from cosmos_policy_ros.sim.demonstrations import Demonstration


def made_up(seed, rows):
    rng = np.random.default_rng(seed)
    pictures = np.array([0, rows - 1], dtype=np.int32)
    state, action = rng.normal(size=(2, rows, 14)).astype(np.float32)
    return Demonstration('plate', 'put the duck on the plate', seed, 'noisy', state, action, pictures,
                         rng.integers(0, 256, (2, 3, 8, 8, 3), dtype=np.uint8), True, 0.75)


def test_shard_gives_back_what_was_written(tmp_path):
    written = [made_up(1, 5), made_up(2, 9)]
    write_shard(tmp_path / 'deep' / 'a.h5', written)
    read = read_shard(tmp_path / 'deep' / 'a.h5')
    assert len(read) == 2
    for one, other in zip(written, read):
        for name in ('state', 'action', 'image_rows', 'images'):
            a, b = getattr(one, name), getattr(other, name)
            assert a.dtype == b.dtype and np.array_equal(a, b)
        blank = dict.fromkeys(('state', 'action', 'image_rows', 'images'))
        assert replace(one, **blank) == replace(other, **blank)


def test_missing_and_foreign_data_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='collect'):
        read_shards(tmp_path)
    with pytest.raises(ValueError, match='at least one'):
        write_shard(tmp_path / 'a.h5', [])


def test_unknown_task_or_variant_is_refused_before_any_work(tmp_path):
    with pytest.raises(ValueError, match='unknown task: juggling'):
        collect({'juggling': 1}, 0, tmp_path, workers=1)
    with pytest.raises(ValueError, match='unknown variant: tidy'):
        collect({'plate': 1}, 0, tmp_path, workers=1, variants=('tidy',))


def test_collection_does_not_depend_on_the_number_of_workers(tmp_path):
    imaging, seen = Imaging(size=8, supersample=1, every=50), []
    for workers in (1, 2):
        collected = collect({'plate': 3}, 40, tmp_path / str(workers), workers, ('clean', 'displaced'), imaging,
                            shard_size=2, progress=seen.append)
        assert sum(collected.kept.values()) + sum(collected.failed.values()) == 3
        assert [shard[-16:] for shard in collected.shards] == ['plate_0000040.h5', 'plate_0000042.h5']
    one, two = read_shards(tmp_path / '1'), read_shards(tmp_path / '2')
    assert [demo.seed for demo in one] == [40, 41, 42]
    assert [demo.variant for demo in one] == ['clean', 'displaced', 'clean']
    for a, b in zip(one, two):
        assert a.action.tobytes() == b.action.tobytes() and a.images.tobytes() == b.images.tobytes()
    assert len(seen) == 4 and seen[1].rows == sum(len(demo.action) for demo in one)
    first, second = sorted((tmp_path / '1').glob('*.h5'))
    second.unlink()  # as if the collection had been stopped between the two
    before = first.stat().st_mtime_ns
    whole = collect({'plate': 3}, 40, tmp_path / '1', 1, ('clean', 'displaced'), imaging, shard_size=2, resume=True)
    assert first.stat().st_mtime_ns == before and (whole.kept, whole.failed) == (collected.kept, collected.failed)
    assert whole.rows == collected.rows and read_shards(tmp_path / '1')[2].images.tobytes() == two[2].images.tobytes()
