"""The optimiser steps of a fine-tuning run: samples, noise and rate are functions of seed and step alone."""
import copy
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..policy.checkpoint import save_checkpoint
from ..policy.errors import PolicyError
from ..policy.network import build_network
from ..policy.picture_codec import PictureCodec
from ..policy.sampling_loop import Execution
from ..policy.weight_files import fill, without_storage
from .adapters import add_adapters, merged_weights
from .dataset import split_episodes
from .objective import Objective, ObjectiveConfig, draw_samples
from .sharding import join_processes, local, shard, whole
from .streamed import StreamedDataset
from .trainable_network import InstructionRows, TrainableNetwork
from .trainer import TrainingDiverged

RATE_AT_DECAY, RATE_AFTER = 0.3, 0.06
"""Shares of the peak rate: what the published schedule falls to, linearly, and what it stays at afterwards."""

HELD_OUT_PARTS = 4
"""Parts of a batch that the held-out loss is measured on, in every process."""

BYTES_A_WEIGHT = 16
"""Weight, gradient and AdamW's two moments, float32 each: what training shares out over the processes."""


class CannotTrain(PolicyError, ValueError):
    """What was asked for does not fit together, or not into this machine."""


@dataclass(frozen=True)
class FineTuningConfig:
    """How to fine-tune; the defaults are the published ALOHA run's where it says anything.

    The rate rises linearly over ``warm_up`` steps, falls linearly until ``decay_until``, then stays low.

    batch: samples of an optimiser step. part: samples that a GPU holds at once; the batch is made of as many parts, on
    all GPUs and one after the other, as it takes, and is the same whatever their number. adapter_rank: 0 trains all
    weights, else adapters of this rank. ema: decay of the average of the trained weights, 0 for none as published; costs
    4 bytes a trained weight, sharded. recomputed: blocks whose activations are computed twice, None for all. compiled:
    None for on CUDA only. deterministic: kernels that add in a fixed order, so that a resumed run repeats to the last
    bit; slower. held_out: share of the episodes. The intervals are in steps.
    """

    steps: int
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    batch: int = 200
    part: int = 25
    learning_rate: float = 1e-4
    warm_up: int = 2000
    decay_until: int = 20000
    betas: tuple = (0.9, 0.99)
    weight_decay: float = 0.1
    clip: float = 1.0
    adapter_rank: int = 0
    ema: float = 0.0
    recomputed: int = None
    compiled: bool = None
    deterministic: bool = False
    held_out: float = 0.03
    log_every: int = 10
    evaluate_every: int = 500
    save_every: int = 1000
    seed: int = 0


def parts_of_batch(config, processes):
    """How many parts of a batch each process works through, one after the other; ``CannotTrain`` if not whole."""
    at_once = config.part * processes
    if config.batch % at_once:
        fitting = [n for n in range(1, config.batch // processes + 1) if config.batch % (n * processes) == 0]
        advice = (f'give a part of {", ".join(map(str, fitting))} samples' if fitting else
                  f'give a batch that is a multiple of {processes}')
        raise CannotTrain(f'a batch of {config.batch} samples is not made of whole parts of {config.part} on each of '
                          f'{processes} processes; {advice}')
    return config.batch // at_once


def fine_tuning_rate(config, step):
    """The learning rate of step number ``step``, from 0; the published schedule (upstream, policy experiment)."""
    if step < config.warm_up:
        return config.learning_rate * (step + 1) / config.warm_up
    if step >= config.decay_until:
        return config.learning_rate * RATE_AFTER
    fallen = (step - config.warm_up) / (config.decay_until - config.warm_up)
    return config.learning_rate * (1 - (1 - RATE_AT_DECAY) * fallen)


class Optimisation:
    """What a process holds of a run: network, data and optimiser. Takes over the network of ``start``."""

    def __init__(self, start, episodes, config, device, augment, parts, accelerator):
        self.start, self.config, self.device, self.accelerator, self.parts = start, config, device, accelerator, parts
        self.rank, self.processes = accelerator.process_index, accelerator.num_processes
        unknown = sorted({episode.instruction for episode in episodes} - start.text_embeddings.keys())
        if unknown:
            raise CannotTrain(f'no embedding of {", ".join(map(repr, unknown))}; add it to a checkpoint folder with '
                              f'"cosmos-policy-ros checkpoint embed" and start from that')
        training, held_out = split_episodes(episodes, config.held_out)
        instructions = tuple(start.text_embeddings)
        # The one of ``start`` goes into checkpoints, in its own number type.
        tokenizer, objective = copy.deepcopy(start.tokenizer).to(device), config.objective
        # Compiled, it may choose its convolutions anew in every process.
        compiled = _compiled(config, device) and not config.deterministic
        encode = PictureCodec(tokenizer, Execution.COMPILED).encode if compiled else tokenizer.encode

        def samples(chosen, augment=None):
            return StreamedDataset(chosen, start.config, start.statistics, encode, instructions, objective.discount,
                                   device, augment, objective.reward)

        self.training_set, self.held_out_set = samples(training, augment), samples(held_out) if held_out else None
        self.counts = len(training), len(held_out)
        dtype = torch.bfloat16 if device.type == 'cuda' else torch.float32
        self.network, self.trainable = _prepare(start, config, self.processes, device, dtype)
        shard(self.trainable, join_processes(device), dtype)
        rows = torch.stack([start.text_embeddings[name] for name in instructions]).to(device, dtype)
        self.text = InstructionRows.of(rows)
        span = start.statistics.proprio_max - start.statistics.proprio_min
        self.objective = Objective(start.config, objective, span, device)
        named = {name: value for name, value in self.network.named_parameters() if value.requires_grad}
        self.parameters = list(named.values())
        self.average = {name: value.detach().clone() for name, value in named.items()} if config.ema else {}
        self.optimiser = torch.optim.AdamW(self.parameters, config.learning_rate, config.betas,
                                           weight_decay=config.weight_decay, fused=True)

    def step(self, number, pictures):
        """One optimiser step.

        Args:
            number: from 0; decides samples and noise. pictures: iterator over what was read for each part.

        Returns:
            (loss, gradient norm, per-frame errors) of the whole batch, on the host.
        """
        config = self.config
        for group in self.optimiser.param_groups:
            group['lr'] = fine_tuning_rate(config, number)
        total = 0
        for index, question, noise in self.plan(number):
            loss, frames = self.loss(self.training_set, index, question, noise, next(pictures))
            (loss / self.parts).backward()
            total = total + torch.cat([loss.detach()[None], frames])
        norm = whole(torch.nn.utils.clip_grad_norm_(self.parameters, config.clip)).item()
        found = (self.accelerator.reduce(total, 'mean') / self.parts).tolist()
        if not math.isfinite(norm) or not math.isfinite(found[0]):
            raise TrainingDiverged(f'step {number}: loss {found[0]:g}, gradient norm {norm:g}; look at the data, or '
                                   f'start from the last checkpoint with a lower --learning-rate in another --out')
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        if config.ema:
            torch._foreach_lerp_([local(value) for value in self.average.values()],
                                 [local(value.detach()) for value in self.parameters],
                                 1 - min(config.ema, (number + 1) / (number + 10)))
        return found[0], norm, found[1:]

    def plan(self, number):
        """(samples, questions, seed of the noise) of this process's parts of batch ``number``."""
        size = self.config.part
        torch.manual_seed(_seed(self.config.seed, number))
        index, question = draw_samples(self.config.batch, self.training_set.pools, self.config.objective, 'cpu')
        for part in range(self.parts):
            place = part * self.processes + self.rank
            chosen = slice(place * size, (place + 1) * size)
            yield index[chosen], question[chosen], _seed(self.config.seed, number, place)

    def loss(self, dataset, index, question, noise, pictures):
        """Loss and per-frame errors of one part."""
        torch.manual_seed(noise)
        batch = dataset.batch(index, pictures)
        return self.objective(self.trainable, batch.clean, question.to(self.device),
                              self.text.select(batch.instruction))

    def pictures(self, first, last) -> Iterator[torch.Tensor]:
        """Pictures of the parts of the steps ``first``..``last`` - 1, read one part ahead of their use."""
        def wanted():
            for number in range(first, last):
                for index, _, _ in self.plan(number):
                    yield index

        with ThreadPoolExecutor(1) as reader:
            ahead = None
            for index in wanted():
                ahead, ready = reader.submit(self.training_set.read, index), ahead
                if ready is not None:
                    yield ready.result()
            yield ahead.result()

    @torch.no_grad()
    def held_out_loss(self):
        """Mean loss of held-out samples, always the same ones with the same noise; None without held-out episodes."""
        if self.held_out_set is None:
            return None
        losses = []
        for part in range(HELD_OUT_PARTS):
            seed = _seed(self.config.seed, part, self.rank, 1)
            torch.manual_seed(seed)
            index, question = draw_samples(self.config.part, self.held_out_set.pools, self.config.objective, 'cpu')
            pictures = self.held_out_set.read(index)
            losses.append(self.loss(self.held_out_set, index, question, seed, pictures)[0])
        return self.accelerator.reduce(torch.stack(losses).mean(), 'mean').item()

    def save_checkpoint(self, folder, card):
        """Full weights, adapters merged and averages in place of the last values, as a folder that policies load."""
        if self.average:
            kept = [local(value.detach()).clone() for value in self.parameters]
            self._put(local(value) for value in self.average.values())
        kind = getattr(torch, self.start.config.weights_dtype)
        weights = {}
        for name, value in merged_weights(self.network, whole):
            if self.rank == 0:
                weights[name] = value.to('cpu', kind)
        if self.average:
            self._put(kept)
        if self.rank == 0:
            with without_storage():
                network = build_network(self.start.config)
            fill(network, weights, folder)
            save_checkpoint(folder, replace(self.start, network=network, card=card))
        self.accelerator.wait_for_everyone()

    def _put(self, values):
        for parameter, value in zip(self.parameters, values):
            local(parameter.data).copy_(value)


def _prepare(start, config, processes, device, dtype):
    """(network, trainable form) on the device: float32 where it learns, in ``dtype`` where it does not."""
    if device.type == 'cuda' and not config.adapter_rank:
        there = torch.cuda.get_device_properties(device).total_memory
        needed = BYTES_A_WEIGHT * sum(parameter.numel() for parameter in start.network.parameters()) / processes
        if needed > there:
            raise CannotTrain(f'{needed / 1e9:.0f} GB on each of {processes} GPUs are needed before the first sample, '
                              f'{there / 1e9:.0f} GB are there; use more GPUs, or train adapters: --adapter-rank 16')
    network = torch.nn.Module.to(start.network, device, dtype if config.adapter_rank else torch.float32).train()
    if config.adapter_rank:
        add_adapters(network, config.adapter_rank)
    else:
        network.requires_grad_(True)
    return network, TrainableNetwork(network, config.recomputed, _compiled(config, device))


def _compiled(config, device):
    return device.type == 'cuda' if config.compiled is None else config.compiled


def _seed(*numbers):
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
