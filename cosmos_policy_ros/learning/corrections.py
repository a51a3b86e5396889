"""Corrections: the policy acts for a while, then the expert takes over and its part is kept.

The states are those that the policy gets itself into, which demonstrations from the start never show (the idea of DAgger,
Ross et al. 2011, with the hand-over in place of relabelling).
"""
from collections import Counter
from pathlib import Path

import numpy as np

from .collection import Collected
from .policy_pool import Correction, run_jobs
from .shards import write_shard


def correction_jobs(counts, first_seed, prefix_rows=(20, 400)):
    """The jobs for {task: episodes}: the hand-over row of each is drawn from its seed, uniform in ``prefix_rows``."""
    for task, count in counts.items():
        for seed in range(first_seed, first_seed + count):
            yield Correction(task, seed, int(np.random.default_rng(seed).integers(*prefix_rows)))


def collect_corrections(policy, counts, first_seed, out_dir, workers, imaging, shard_size=32, progress=None, steps=None):
    """Record corrections of ``policy`` (a ``CosmosPolicy``) as shards ``out_dir/correction_<number>.h5``.

    Args are those of ``collection.collect``. Episodes that the expert did not finish are counted and not kept.
    """
    demonstrations, total = [], Collected(Counter(), Counter(), 0, ())
    jobs = correction_jobs(counts, first_seed)

    def flush():
        path = Path(out_dir) / f'correction_{first_seed + len(total.shards) * shard_size:07d}.h5'
        write_shard(path, demonstrations)
        demonstrations.clear()
        return (str(path),)

    for job, result in run_jobs(policy, jobs, workers, supersample=imaging.supersample, image_every=imaging.every, steps=steps):
        good = result is not None and result.success
        count = Counter({(job.task, 'correction'): 1})
        rows = len(result.action) if good else 0
        if good:
            demonstrations.append(result)
        shards = flush() if len(demonstrations) == shard_size else ()
        total = total + Collected(count if good else Counter(), Counter() if good else count, rows, shards)
        if shards and progress is not None:
            progress(total)
    return total + Collected(Counter(), Counter(), 0, flush()) if demonstrations else total
