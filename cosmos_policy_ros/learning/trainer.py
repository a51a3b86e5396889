"""Training: AdamW on the published loss, all on the device, with an average of the weights and a held-out split."""
import copy
import json
import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from ..policy.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ..policy.errors import PolicyError
from ..policy.text import HashedWords
from .dataset import ResidentDataset, fit_tokenizer, split_episodes, statistics_of
from .objective import Objective, ObjectiveConfig, draw_samples
from .prediction_error import prediction_errors
from .stopped_training import cut_log, restore_state, save_state


class TrainingDiverged(PolicyError, ArithmeticError):
    """The loss is no longer finite; the checkpoint on disk is from before."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. Ends after ``steps`` or ``minutes`` (wall clock, compilation included), whichever comes first.

    The learning rate rises over ``warm_up`` steps, then follows a half cosine of the used share of the limit. ema:
    decay of the average of the weights, which is what is measured and saved. held_out: share of the episodes.
    compiled: None for on CUDA only. The other intervals are in steps.
    """

    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    steps: int = None
    minutes: float = None
    batch: int = 512
    learning_rate: float = 1e-3
    betas: tuple = (0.9, 0.99)
    weight_decay: float = 0.02
    warm_up: int = 300
    ema: float = 0.999
    clip: float = 1.0
    held_out: float = 0.03
    log_every: int = 100
    evaluate_every: int = 1000
    evaluated_samples: int = 512
    compiled: bool = None
    seed: int = 0


def train(policy, episodes, out, config, device='cpu', init_from=None, augment=None, progress=print,
          clock=time.monotonic, resume=False):
    """Trains a policy and writes ``out/latest``, ``out/final`` (checkpoint folders) and ``out/log.jsonl``.

    Args:
        policy: ``PolicyConfig``. episodes: iterable of ``Demonstration``s. config: ``TrainingConfig``.
        init_from: a checkpoint folder to go on from; its weights, statistics, tokenizer and instructions are kept and
            ``policy`` must be its configuration (or None).
        augment: see ``ResidentDataset``. progress: takes a line of text. clock: s, monotonic.
        resume: keep ``out/state.pt`` at every evaluation until the end, and go on from one that is there, which the
            same arguments have to have made.

    Returns:
        dict: 'steps', 'seconds', 'samples_per_second', 'training' and 'held_out' errors (see ``prediction_errors``),
        'checkpoint' (path of ``out/final``).
    """
    if config.steps is None and config.minutes is None:
        raise ValueError('training has no end: give steps, minutes or both')
    begin = clock()
    torch.manual_seed(config.seed)
    out, device, episodes = Path(out), torch.device(device), list(episodes)
    out.mkdir(parents=True, exist_ok=True)
    state = out / 'state.pt'
    stopped = resume and state.exists() and (out / 'latest').exists()
    start = _start_from(out / 'latest' if stopped else init_from, policy, episodes, config, device)
    run = _Run(start, episodes, config, device, augment)
    step, spent, used = restore_state(state, run) if stopped else (0, 0.0, 0.0)
    begin -= spent
    if resume:
        cut_log(out / 'log.jsonl', step)
    progress(f'{len(run.training_set)} samples of {run.episodes[0]} episodes on {device}, {run.episodes[1]} episodes '
             f'held out, {sum(p.numel() for p in run.network.parameters()) / 1e6:.2f} M weights')
    with open(out / 'log.jsonl', 'a') as log:
        def record(entry, line):
            log.write(json.dumps(entry) + '\n')
            log.flush()
            progress(line)

        mark = step, begin + spent
        while used < 1:
            loss, frames = run.step(used)
            step += 1
            used = max(step / (config.steps or math.inf), (clock() - begin) / (60 * (config.minutes or math.inf)))
            last = used >= 1
            if step % config.log_every == 0 or last:
                mark = _log_progress(run, record, step, used, loss, frames, mark, begin, clock)
            if step % config.evaluate_every == 0 or last:
                errors = run.evaluate()
                record({'step': step, **errors}, _error_line(step, errors))
                save_checkpoint(out / 'latest', run.checkpoint(step, errors))
                if resume and not last:
                    save_state(state, run, step, clock() - begin, used)
    seconds = clock() - begin
    save_checkpoint(out / 'final', run.checkpoint(step, errors))
    state.unlink(missing_ok=True)
    return {'steps': step, 'seconds': seconds, 'samples_per_second': step * config.batch / seconds, **errors,
            'checkpoint': str(out / 'final')}


class _Run:
    """Network, its average, data and optimiser of one training run."""

    def __init__(self, start, episodes, config, device, augment):
        self.start, self.config, self.device = start, config, device
        policy = start.config
        training, held_out = split_episodes(episodes, config.held_out)
        self.episodes = len(training), len(held_out)
        instructions = tuple(start.text_embeddings)
        shared = (policy, start.statistics, start.tokenizer, instructions, config.objective.discount, device)
        reward = config.objective.reward
        self.training_set = ResidentDataset(training, *shared, augment=augment, reward=reward)
        self.held_out_set = ResidentDataset(held_out, *shared, reward=reward) if held_out else None
        self.text = torch.stack([start.text_embeddings[name] for name in instructions]).to(device)
        self.network = start.network.to(device).train().requires_grad_(True)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        span = start.statistics.proprio_max - start.statistics.proprio_min
        self.objective = Objective(policy, config.objective, span, device)
        self.parameters = list(self.network.parameters())
        self.averaged = list(self.average.parameters())
        self.optimiser = torch.optim.AdamW(self.parameters, config.learning_rate, config.betas,
                                           weight_decay=config.weight_decay, fused=device.type == 'cuda')
        compiled = device.type == 'cuda' if config.compiled is None else config.compiled
        self._loss = torch.compile(self._plain_loss, dynamic=False) if compiled else self._plain_loss
        self.count = 0

    def _plain_loss(self, index, question):
        batch = self.training_set.batch(index)
        text = self.network.encode_text(self.text, fold_zeros=False).select(batch.instruction)
        return self.objective(self.network, batch.clean, question, text)

    def autocast(self):
        """bfloat16 products on CUDA; weights and the residual stream stay float32."""
        return torch.autocast('cuda', torch.bfloat16) if self.device.type == 'cuda' else nullcontext()

    def step(self, used):
        """One optimiser step at share ``used`` of the limit; returns (loss, per-frame errors) on the device."""
        config = self.config
        for group in self.optimiser.param_groups:
            group['lr'] = learning_rate(config, self.count, used)
        index, question = draw_samples(config.batch, self.training_set.pools, config.objective, self.device)
        with self.autocast():
            loss, frames = self._loss(index, question)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, config.clip)
        self.optimiser.step()
        self.count += 1
        decay = min(config.ema, self.count / (self.count + 9))
        torch._foreach_lerp_(self.averaged, self.parameters, 1 - decay)
        return loss.detach(), frames

    def evaluate(self):
        """Errors of the averaged weights on fixed samples: {'training': ..., 'held_out': ... or None}."""
        errors = {}
        for name, data in (('training', self.training_set), ('held_out', self.held_out_set)):
            if data is None:
                errors[name] = None
                continue
            generator = torch.Generator().manual_seed(self.config.seed)
            index = torch.randperm(len(data), generator=generator)[:self.config.evaluated_samples].to(self.device)
            with self.autocast():
                errors[name] = prediction_errors(self.average, data, self.start.statistics, index, self.text,
                                                 self.config.seed)
        return errors

    def checkpoint(self, step, errors):
        """The averaged weights with everything needed to run them."""
        return replace(self.start, network=self.average, card=_model_card(self, step, errors))


def learning_rate(config, step, used):
    """The rate of step number ``step`` (from 0) at share ``used`` of the limit: linear warm-up times half a cosine."""
    return config.learning_rate * min(1, (step + 1) / config.warm_up) * 0.5 * (1 + math.cos(math.pi * min(used, 1)))


def _start_from(init_from, policy, episodes, config, device):
    """The checkpoint that training begins with: a loaded one, or random weights and statistics of the data."""
    from ..policy.network import build_network

    if not episodes:
        raise ValueError('no episodes to train on; collect demonstrations first')
    if init_from is not None:
        start = load_checkpoint(init_from)
        if policy is not None and replace(policy, preset=start.config.preset) != start.config:
            raise ValueError(f'{init_from} holds another configuration than the preset {policy.preset!r}; '
                             f'give that preset, or none')
    else:
        tokenizer, kept = fit_tokenizer(episodes, config.seed, device)
        network = build_network(policy)
        network.initialise(config.seed)
        start = Checkpoint(policy, network, tokenizer, statistics_of(episodes), {},
                           f'The tokenizer keeps {100 * kept:.1f} % of the pictures\' variance.')
    encoder = HashedWords(start.config.text_tokens, start.config.network.text_embed_dim)
    new = sorted({episode.instruction for episode in episodes} - start.text_embeddings.keys())
    rows = {name: torch.from_numpy(encoder.encode(name)) for name in new}
    return replace(start, text_embeddings=start.text_embeddings | rows)


def _log_progress(run, record, step, used, loss, frames, mark, begin, clock):
    loss = loss.item()
    if not math.isfinite(loss):
        raise TrainingDiverged(f'step {step}: the loss is {loss}; lower the learning rate (now '
                               f'{run.config.learning_rate:g}) or look at the data')
    now = clock()
    rate = (step - mark[0]) * run.config.batch / max(now - mark[1], 1e-9)
    names = run.start.config.layout.frames
    errors = {name: round(value, 6) for name, value in zip(names, frames.tolist())}
    record({'step': step, 'seconds': round(now - begin, 2), 'used': round(used, 4), 'loss': round(loss, 6),
            'samples_per_second': round(rate, 1), 'frames': errors},
           f'step {step}  {100 * used:5.1f} %  loss {loss:.4f}  action {errors["action"]:.5f}  {rate:.0f} samples/s')
    return step, now


def _error_line(step, errors):
    parts = [f'{name}: action {value["action_rad"]:.4f} rad, first row {value["first_action_rad"]:.4f} rad, image '
             f'{value["image_latent"]:.3f}, value {value["value"]:.3f}' for name, value in errors.items() if value]
    return f'step {step}  ' + ';  '.join(parts)


def _model_card(run, step, errors):
    config, policy = run.config, run.start.config
    lines = [f'# Cosmos Policy, preset `{policy.preset}`', '',
             f'Trained for {step} steps of {config.batch} samples on {run.episodes[0]} episodes '
             f'({len(run.training_set)} samples); {run.episodes[1]} episodes held out.', '', 'Instructions:', '',
             *(f'- {name}' for name in run.start.text_embeddings), '', 'Mean errors after sampling with '
             f'{policy.steps} steps:', '', '| | training | held out |', '|---|---|---|']
    for key in (key for key in errors['training'] if key != 'joints'):
        cells = [f'{split[key]:.4f}' if split else '-' for split in (errors['training'], errors['held_out'])]
        lines.append(f'| {key} | {" | ".join(cells)} |')
    settings = asdict(config)
    settings['objective'] |= {name: getattr(config.objective, name).value for name in ('value_stage', 'reward')}
    return '\n'.join([*lines, '', 'Training configuration:', '', '```json', json.dumps(settings, indent=1), '```', ''])
