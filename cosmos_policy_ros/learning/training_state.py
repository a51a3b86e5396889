"""A training run that was stopped, on disk: everything that its next step depends on, and the log up to there."""
import json
import os

import torch


def save_state(path, run, step, seconds, used):
    """Write the state of ``run`` after ``step`` steps, ``seconds`` s and the share ``used`` of its limit, all or nothing."""
    draft = path.with_name(path.name + '.partial')
    torch.save({'progress': (step, seconds, used), 'network': run.network.state_dict(),
                'average': run.average.state_dict(), 'optimiser': run.optimiser.state_dict(), 'random': torch.get_rng_state(),
                'random_device': torch.cuda.get_rng_state(run.device) if run.device.type == 'cuda' else None}, draft)
    os.replace(draft, path)


def restore_state(path, run):
    """Put ``run`` where ``save_state`` found it; (step, seconds, used). On a CPU the steps that follow are the same to the bit."""
    state = torch.load(path, map_location='cpu', weights_only=True)
    run.network.load_state_dict(state['network'])
    run.average.load_state_dict(state['average'])
    run.optimiser.load_state_dict(state['optimiser'])
    torch.set_rng_state(state['random'])
    if run.device.type == 'cuda':
        torch.cuda.set_rng_state(state['random_device'], run.device)
    return state['progress']


def cut_log(path, step):
    """Drop what the log says of steps after ``step``, and half a line at its end; they are taken again."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    path.write_text(''.join(line for line in lines if line.endswith('\n') and json.loads(line)['step'] <= step))
