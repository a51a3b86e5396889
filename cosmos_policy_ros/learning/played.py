"""Episodes that a policy played, as shards: corrections by the expert, and rollouts of the policy alone.

A correction starts from states that the policy gets itself into, which demonstrations from the start never show (the idea
of DAgger, Ross et al. 2011, with the hand-over in place of relabelling). Rollouts, failures among them, are what the model's
futures and values are refined on.
"""
from collections import Counter
from pathlib import Path

import numpy as np

from ..sim.demonstrations import ROLLOUT
from .collection import Collected
from .policy_pool import Correction, Player, Rollout
from .pool import run_jobs
from .shards import list_shard, write_shard


def correction_jobs(counts, first_seed, prefix_rows=(20, 400)):
    """The jobs for {task: episodes}: the hand-over row of each is drawn from its seed, uniform in ``prefix_rows``."""
    for task, count in counts.items():
        for seed in range(first_seed, first_seed + count):
            yield Correction(task, seed, int(np.random.default_rng(seed).integers(*prefix_rows)))


def rollout_jobs(counts, first_seed, conditions):
    """The jobs for {task: episodes}."""
    for task, count in counts.items():
        for seed in range(first_seed, first_seed + count):
            yield Rollout(task, seed, conditions=conditions)


def _already_played(paths):
    """(``Collected``, set of (task, seed)) of the shards that an earlier run wrote."""
    entries = [entry for path in paths for entry in list_shard(path)]
    kept = Counter((entry.task, ROLLOUT if entry.variant == ROLLOUT else 'correction') for entry in entries)
    failed = Counter((entry.task, ROLLOUT) for entry in entries if not entry.success)
    total = Collected(kept, failed, sum(entry.rows for entry in entries), tuple(map(str, paths)))
    return total, {(entry.task, entry.seed) for entry in entries}


def collect_played(backend, jobs, name, out_dir, workers, imaging, shard_size=32, progress=None, resume=False):
    """Play ``jobs`` and write shards ``out_dir/<name>_<number>.h5``: corrections that succeeded, every rollout.

    Args:
        backend: as for ``pool.run_jobs``. The others are those of ``collection.collect``; ``resume`` plays what is in
            no shard yet, failed corrections among it.

    Returns:
        Collected; ``failed`` counts failures whether they are kept or not.
    """
    earlier = sorted(Path(out_dir).glob(f'{name}_*.h5')) if resume else []
    episodes, (total, played) = [], _already_played(earlier)
    jobs = [job for job in jobs if (job.task, job.seed) not in played]

    def flush():
        path = Path(out_dir) / f'{name}_{len(total.shards):04d}.h5'
        write_shard(path, episodes)
        episodes.clear()
        return (str(path),)

    for job, episode in run_jobs(backend, jobs, workers, Player, imaging):
        kept = episode is not None and (episode.success or isinstance(job, Rollout))
        count = Counter({(job.task, ROLLOUT if isinstance(job, Rollout) else 'correction'): 1})
        if kept:
            episodes.append(episode)
        shards = flush() if len(episodes) == shard_size else ()
        success = episode is not None and episode.success
        total = total + Collected(count if kept else Counter(), Counter() if success else count,
                                  len(episode.action) if kept else 0, shards)
        if shards and progress is not None:
            progress(total)
    return total + Collected(Counter(), Counter(), 0, flush()) if episodes else total
