"""Collecting demonstrations on all cores: successes become shards, failures are counted."""
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from ..sim.demonstrations import VARIANTS, Recorder
from ..sim.tasks import TASKS
from ..sim.world import SimulationDiverged, World
from .pool import end_with_parent
from .shards import list_shard, write_shard


@dataclass(frozen=True)
class Imaging:
    """Image size (pixels), supersampling factor and rows between images of the demonstrations to record.

    published: recorded pictures are resized as the published policies resize live ones.
    """

    size: int = 64
    supersample: int = 3
    every: int = 5
    published: bool = False


@dataclass(frozen=True)
class Collected:
    """Outcome of a collection: numbers of episodes by (task, variant), rows of the kept ones, the shards."""

    kept: Counter
    failed: Counter
    rows: int
    shards: tuple

    def __add__(self, other):
        return Collected(self.kept + other.kept, self.failed + other.failed, self.rows + other.rows,
                         tuple(sorted(self.shards + other.shards)))


@lru_cache(maxsize=1)
def _recorder(imaging):
    """The worker process's one world and renderer, used for all of its episodes."""
    return Recorder(World(next(iter(TASKS))), imaging.size, imaging.supersample, imaging.every)


def _collect_shard(task, episodes, path, imaging):
    recorder, demonstrations, kept, failed = _recorder(imaging), [], Counter(), Counter()
    for seed, variant in episodes:
        try:
            demonstration = recorder.demonstrate(task, seed, variant)
        except SimulationDiverged:
            failed[task, variant] += 1
            continue
        if demonstration.success:
            demonstrations.append(demonstration)
            kept[task, variant] += 1
        else:
            failed[task, variant] += 1
    if demonstrations:
        write_shard(path, demonstrations)
    return Collected(kept, failed, sum(len(demo.action) for demo in demonstrations),
                     (str(path),) if demonstrations else ())


def _already_collected(task, episodes, path):
    entries = list_shard(path)
    kept = Counter((task, entry.variant) for entry in entries)
    failed = Counter((task, variant) for _, variant in episodes) - kept
    return Collected(kept, failed, sum(entry.rows for entry in entries), (str(path),))


def collect(counts, first_seed, out_dir, workers, variants=VARIANTS, imaging=Imaging(), shard_size=32, progress=None,
            resume=False):
    """Record demonstrations and keep the successful ones as ``out_dir/<task>_<first seed of the shard>.h5``.

    What is recorded depends only on the arguments, not on the number of workers. Workers are spawned, so a script
    that calls this needs the usual ``if __name__ == '__main__'``.

    Args:
        counts: {task: number of episodes to try}. Seeds run from ``first_seed`` for every task.
        variants: taken in turn; name one twice to have more of it.
        shard_size: episodes to a shard.
        progress: called with the ``Collected`` so far after every shard.
        resume: go on where the same collection, by the same arguments, was stopped.

    Returns:
        Collected.
    """
    for name, unknown in (('task', set(counts) - set(TASKS)), ('variant', set(variants) - set(VARIANTS))):
        if unknown:
            raise ValueError(f'unknown {name}: {", ".join(sorted(unknown))}')
    jobs, total = [], Collected(Counter(), Counter(), 0, ())
    for task, count in counts.items():
        episodes = [(first_seed + i, variants[i % len(variants)]) for i in range(count)]
        for start in range(0, count, shard_size):
            path = Path(out_dir) / f'{task}_{first_seed + start:07d}.h5'
            job = task, episodes[start:start + shard_size], path, imaging
            if resume and path.exists():
                total = total + _already_collected(*job[:3])
            else:
                jobs.append(job)
    with ProcessPoolExecutor(workers, mp_context=get_context('spawn'), initializer=end_with_parent) as pool:
        for finished in as_completed([pool.submit(_collect_shard, *job) for job in jobs]):
            total = total + finished.result()
            if progress is not None:
                progress(total)
    return total
