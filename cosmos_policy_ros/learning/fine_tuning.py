"""Fine-tuning of the published 2B network: sharded over GPUs, or adapters on one; it goes on after any stop."""
import json
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from zlib import crc32

import torch
from torch.nn.attention import sdpa_kernel

from ..policy.sampling_loop import ATTENTION
from .optimisation import BYTES_A_WEIGHT, CannotTrain, Optimisation, fine_tuning_rate, parts_of_batch
from .training_state import check_state, load_state, save_state

STATE, LATEST, FINAL = 'state', 'latest', 'final'

FREE_TO_CHANGE = {'steps', 'recomputed', 'compiled', 'deterministic', 'log_every', 'evaluate_every', 'save_every'}
"""Fields that a resumed run may have otherwise; the others decide what is learned."""


def fine_tune(start, episodes, out, config, device='cuda', resume=False, augment=None, progress=print,
              clock=time.monotonic):
    """Trains ``start`` further; run it once in every process that torchrun starts.

    Writes ``out/state`` (to resume from), ``out/latest`` and ``out/final`` (checkpoint folders), ``out/log.jsonl`` and
    ``out/tensorboard``. With several machines ``out`` has to be a folder that all of them see.

    Args:
        start: ``Checkpoint`` that training begins with; its statistics, tokenizer and instructions are kept.
        episodes: ``Demonstration``s. config: ``FineTuningConfig``. device: 'cuda' or 'cpu'. resume: go on from
            ``out/state``, with the same ``start`` and data. augment: see ``StreamedDataset``. progress: takes a line of
            text, called in the first process only. clock: s, monotonic.

    Returns:
        dict: 'steps', 'loss' (of the last step), 'held_out' (loss or None), 'samples_per_second' (since this process
        started), 'peak_memory_gb' (of the first GPU, None on a CPU), 'checkpoint' (path of ``out/final``).

    Raises:
        CannotTrain: numbers that do not fit together, too little memory, an instruction without an embedding.
        ResumeError: see ``training_state``. TrainingDiverged: loss or gradient not finite; ``out/state`` is from before.
    """
    from accelerate import Accelerator

    out, episodes = Path(out), list(episodes)
    out.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(cpu=device == 'cpu', log_with='tensorboard', project_dir=out)
    parts = parts_of_batch(config, accelerator.num_processes)
    settings = _settings(config, start, episodes, accelerator.num_processes) | {'augmented': augment is not None}
    if resume:
        check_state(out / STATE, settings)
    elif (out / STATE).exists():
        raise CannotTrain(f'{out / STATE} is there already; go on from it with --resume, or train into another --out')
    accelerator.wait_for_everyone()
    with _advice_on_memory(config, accelerator.num_processes), kernels(config):
        run = Optimisation(start, episodes, config, accelerator.device, augment, parts, accelerator)
        step = load_state(out / STATE, run.network, run.optimiser, run.average) if resume else 0
        if step >= config.steps:
            raise CannotTrain(f'{out / STATE} has done {step} steps already; give more than that with --steps')
        return _loop(run, step, out, settings, progress if accelerator.is_main_process else lambda line: None, clock)


def _loop(run, first, out, settings, progress, clock):
    config, accelerator = run.config, run.accelerator
    accelerator.init_trackers('tensorboard')
    progress(f'{len(run.training_set)} samples of {run.counts[0]} episodes, {run.counts[1]} held out; '
             f'{sum(p.numel() for p in run.parameters) / 1e6:.1f} M weights learn on {run.processes} x {run.device.type}, '
             f'batch {config.batch} in {run.parts} x {run.processes} parts of {config.part}')
    names = run.start.config.layout.frames
    pictures, begin, mark, held_out = run.pictures(first, config.steps), clock(), (first, clock()), None
    with open(out / 'log.jsonl', 'a') as log:
        for number in range(first, config.steps):
            loss, norm, frames = run.step(number, pictures)
            done = number + 1
            last = done == config.steps
            if done % config.log_every == 0 or last:
                now = clock()
                rate = (done - mark[0]) * config.batch / max(now - mark[1], 1e-9)
                mark = done, now
                entry = {'step': done, 'loss': loss, 'gradient_norm': norm, 'samples_per_second': round(rate, 2),
                         'learning_rate': fine_tuning_rate(config, number), 'memory_gb': _peak_memory(run.device)}
                errors = {name: round(value, 6) for name, value in zip(names, frames)}
                if accelerator.is_main_process:
                    log.write(json.dumps(entry | {'frames': errors}) + '\n')
                    log.flush()
                shown = {name: value for name, value in entry.items() if name != 'step' and value is not None}
                accelerator.log(shown | {f'frames/{name}': value for name, value in errors.items()}, done)
                progress(f'step {done} of {config.steps}  loss {loss:.4f}  action {errors["action"]:.5f}  '
                         f'gradient {norm:.3f}  {rate:.1f} samples/s')
            if done % config.evaluate_every == 0 or last:
                held_out = run.held_out_loss()
                if held_out is not None:
                    accelerator.log({'held_out_loss': held_out}, done)
                    progress(f'step {done}  held-out loss {held_out:.4f}')
            if done % config.save_every == 0 or last:
                save_state(out / STATE, run.network, run.optimiser, run.average, done, settings)
                run.save_checkpoint(out / (FINAL if last else LATEST), _model_card(run, done, loss, held_out))
                progress(f'step {done}  saved {out / STATE} and {out / (FINAL if last else LATEST)}')
    accelerator.end_training()
    return {'steps': config.steps, 'loss': loss, 'held_out': held_out,
            'samples_per_second': (config.steps - first) * config.batch / (clock() - begin),
            'peak_memory_gb': _peak_memory(run.device), 'checkpoint': str(out / FINAL)}


def _settings(config, start, episodes, processes):
    """What a resumed run must have in common, JSON-ready."""
    chosen = {name: value for name, value in _plain(config).items() if name not in FREE_TO_CHANGE}
    # Training moves every weight, so one layer tells two starts apart.
    marked = crc32(start.network.proj_out.weight.detach().float().cpu().numpy().tobytes())
    return chosen | {'preset': start.config.preset, 'start': f'{marked:08x}', 'processes': processes,
                     'episodes': len(episodes), 'rows': sum(len(episode.state) for episode in episodes)}


def _plain(config):
    objective = asdict(config.objective) | {name: getattr(config.objective, name).value
                                            for name in ('value_stage', 'reward')}
    return json.loads(json.dumps(asdict(replace(config, objective=None)) | {'objective': objective}))


def _peak_memory(device):
    return round(torch.cuda.max_memory_allocated(device) / 1e9, 2) if device.type == 'cuda' else None


@contextmanager
def kernels(config):
    """Attention kernels in the order of preference, and fixed orders of summation where asked for."""
    before = torch.are_deterministic_algorithms_enabled()
    try:
        torch.use_deterministic_algorithms(config.deterministic or before, warn_only=True)
        with sdpa_kernel(ATTENTION, set_priority=True), \
                torch.backends.cudnn.flags(enabled=True, benchmark=not config.deterministic):
            yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextmanager
def _advice_on_memory(config, processes):
    try:
        yield
    except torch.OutOfMemoryError as error:
        held = torch.cuda.get_device_properties(0).total_memory / 1e9
        advice = f'give --part less than {config.part} (the batch stays {config.batch})'
        if config.recomputed is not None:
            advice += ', leave out --recomputed'
        if not config.adapter_rank:
            advice += (f', use more than {processes} GPUs ({BYTES_A_WEIGHT} bytes a weight are shared by all), or train '
                       f'adapters with --adapter-rank 16')
        raise CannotTrain(f'out of GPU memory ({held:.0f} GB); {advice}') from error


def _model_card(run, step, loss, held_out):
    config, policy = run.config, run.start.config
    kind = f'adapters of rank {config.adapter_rank}, merged' if config.adapter_rank else 'all weights'
    lines = [f'# Cosmos Policy, preset `{policy.preset}`', '',
             f'Fine-tuned ({kind}) for {step} steps of {config.batch} samples on {run.counts[0]} episodes '
             f'({len(run.training_set)} samples); {run.counts[1]} episodes held out. Loss of the last step {loss:.4f}, '
             f'held out {"-" if held_out is None else f"{held_out:.4f}"}.', '', 'Instructions:', '',
             *(f'- {name}' for name in run.start.text_embeddings), '', 'Configuration:', '', '```json',
             json.dumps(_plain(config), indent=1), '```', '']
    return '\n'.join(lines)
