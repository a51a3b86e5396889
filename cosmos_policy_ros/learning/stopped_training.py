"""A training run that was stopped, on disk: everything that its next step depends on, and the log up to there."""
import json
import os

import torch

from ..rollouts.whole_text import write_whole

STATEFUL = 'network', 'average', 'optimiser'


def save_state(path, run, step, seconds, used):
    """Write the state of ``run`` after ``step`` steps, ``seconds`` s and a share ``used`` of its limit, or nothing."""
    draft = path.with_name(path.name + '.partial')
    parts = {name: getattr(run, name).state_dict() for name in STATEFUL}
    device = torch.cuda.get_rng_state(run.device) if run.device.type == 'cuda' else None
    torch.save(parts | {'progress': (step, seconds, used), 'random': torch.get_rng_state(), 'device': device}, draft)
    os.replace(draft, path)


def restore_state(path, run):
    """Put ``run`` where ``save_state`` found it; (step, seconds, used). On a CPU it goes on the same to the bit."""
    state = torch.load(path, map_location='cpu', weights_only=True)
    for name in STATEFUL:
        getattr(run, name).load_state_dict(state[name])
    torch.set_rng_state(state['random'])
    if run.device.type == 'cuda':
        torch.cuda.set_rng_state(state['device'], run.device)
    run.count = state['progress'][0]
    return state['progress']


def cut_log(path, step):
    """Drop what the log says of steps after ``step``, and half a line at its end; they are taken again."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    write_whole(path, ''.join(line for line in lines if line.endswith('\n') and json.loads(line)['step'] <= step))
