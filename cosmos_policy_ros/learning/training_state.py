"""Where a training run stands, on disk: every process's shard of weights and optimiser, and what the run was told.

Batches and noise are functions of seed and step, so the step is all there is to know about data and random numbers.
"""
import json
import shutil
from pathlib import Path

import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict

from ..policy.errors import PolicyError
from ..policy.weight_files import require_space
from .sharding import local

SETTINGS = 'settings.json'
_OPTIONS = StateDictOptions(ignore_frozen_params=True)


class ResumeError(PolicyError, ValueError):
    """There is no run to go on with, or it is another one."""


def save_state(folder, network, optimiser, average, step, settings):
    """Writes ``folder`` so that a killed run leaves the old state or the whole new one; all processes take part.

    Args:
        average: name -> tensor of averaged weights, may be empty. step: steps done. settings: see :func:`check_state`.
    """
    folder = Path(folder)
    partial, old = (folder.with_name(folder.name + suffix) for suffix in ('.partial', '.old'))
    weights, moments = get_state_dict(network, optimiser, options=_OPTIONS)
    if dist.get_rank() == 0:
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        needed = sum(local(value).nbytes for value in weights.values()) * dist.get_world_size() * (3 + bool(average))
        require_space(partial, needed)
    dist.barrier()
    dcp.save({'weights': weights, 'moments': moments, 'average': average}, checkpoint_id=partial)
    if dist.get_rank() == 0:
        (partial / SETTINGS).write_text(json.dumps({'step': step, **settings}, indent=1))
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    dist.barrier()


def load_state(folder, network, optimiser, average):
    """Puts the state in ``folder`` in the place of the arguments' tensors; all processes take part.

    Returns:
        Steps done.
    """
    weights, moments = get_state_dict(network, optimiser, options=_OPTIONS)
    state = {'weights': weights, 'moments': moments, 'average': average}
    dcp.load(state, checkpoint_id=folder)
    set_state_dict(network, optimiser, model_state_dict=state['weights'], optim_state_dict=state['moments'],
                   options=StateDictOptions(strict=False))
    return json.loads((Path(folder) / SETTINGS).read_text())['step']


def check_state(folder, settings):
    """Raises ``ResumeError`` unless ``folder`` holds a state of a run with the same ``settings`` (JSON-ready dict)."""
    path = Path(folder) / SETTINGS
    if not path.is_file():
        raise ResumeError(f'{folder}: no state to go on from; leave out --resume, or give the --out of the earlier run')
    found = json.loads(path.read_text())
    changed = [f'{name} was {found.get(name)!r}, now {value!r}' for name, value in settings.items()
               if found.get(name) != value]
    if changed:
        raise ResumeError(f'{folder} is of another run: {"; ".join(changed)}; repeat the earlier run\'s options, or train '
                          f'into another --out')
