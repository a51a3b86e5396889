"""Candidates in one process: which network calls are due, made in batches."""
import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from ..layout import Stage
from .aggregation import is_settled
from .ranking import Evidence
from .seeds import candidate_seeds, member_seed
from .settings import Mode, PictureAggregation
from .waves import ROOT, Member, anytime_waves, complete_waves, parent


class StepModel(Protocol):
    """The steps of ``CosmosPolicy`` that planning is made of; later calls leave alone what ``sample`` returned."""

    config: object
    device: torch.device
    instructions: tuple

    def observe(self, observation): ...
    def sample(self, stage, clean, instruction, seeds, steps): ...
    def actions(self, latent): ...
    def values(self, latent): ...
    def future_images(self, latent, scene): ...
    def look_ahead(self, latent, scene, stale_proprio=False): ...


@dataclass(eq=False)
class _Chunk:
    """A node of one candidate: its action sample, what was imagined from it and how that was valued."""

    latent: torch.Tensor
    actions: np.ndarray
    futures: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)


@dataclass(eq=False)
class _Line:
    """One candidate of one question: its chunks by node."""

    index: int
    seed: int
    scene: object
    question: int = 0
    joint_value: float = math.nan
    chunks: dict = field(default_factory=dict)


@dataclass
class _Due:
    """Calls to make, each kind feeding the next; dictionaries for order, and as several members want the same call.

    Keys of actions: (line, node); of futures: (line, node, future); of values: (line, member).
    """

    actions: dict = field(default_factory=dict)
    futures: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)


def batch_shapes(count, largest):
    """Batch sizes in use for up to ``count`` samples: powers of two up to ``largest``, so that few are captured."""
    return [2 ** power for power in range(min(count, largest).bit_length())]


def batch_sizes(count, largest):
    """``count`` samples cut into such batches, the largest first."""
    sizes = []
    while count:
        sizes.append(batch_shapes(count, largest)[-1])
        count -= sizes[-1]
    return sizes


class Search:
    """Evaluates candidates of one observation, or of several that share an instruction.

    With a deadline (s, in ``clock``'s time) it takes what fits, without one everything. Errors are those of the models.
    """

    def __init__(self, policy, planning, settings, instruction, clock, run_pace, decode_pace):
        """policy: makes the actions. planning: predicts futures and values. Paces: of sampling and of one decoding."""
        self.calls = 0
        self.latencies = {}
        self._policy = policy
        self._planning = planning
        self._settings = settings
        self._instruction = instruction
        self._clock = clock
        self._run_pace = run_pace
        self._decode_pace = decode_pace
        self._lines = []
        self._waves = []

    def begin(self, observation, seed, indices, deadline=None, reserved_decodes=0):
        """Encodes the observation and makes the first actions: of all candidates, with a deadline of the first.

        Args:
            seed: of the plan. indices: of the candidates to evaluate here. reserved_decodes: decodings that have to fit
            in before the deadline.
        """
        self._began = self._clock()
        self._deadline = deadline
        self._reserved_decodes = reserved_decodes
        lines = self._candidates(observation, seed, indices)
        first = len(lines) if deadline is None else 1
        self._waiting = lines[first:]
        self._act([(line, ROOT) for line in lines[:first]])

    def begin_all(self, observations, seeds):
        """Makes the first actions of every candidate for each of B observations with its plan's seed; no deadline."""
        self._began, self._deadline, self._waiting = self._clock(), None, []
        self._act([(line, ROOT) for question, (observation, seed) in enumerate(zip(observations, seeds))
                   for line in self._candidates(observation, seed, range(self._settings.candidates), question)])

    def _candidates(self, observation, seed, indices, question=0):
        seeds, began = candidate_seeds(seed, self._settings), self._clock()
        scene = self._policy.observe(observation)
        self._spent('encode', began)
        return [_Line(index, seeds[index], scene, question) for index in indices]

    def refine(self):
        """Evaluates until everything is done or nothing more fits."""
        if self._deadline is None:
            for wave in complete_waves(self._settings):
                self._run(self._due(self._lines, wave))
                self._waves.append(wave)
            return
        waves = anytime_waves(self._settings)
        self._act([(line, ROOT) for line in self._waiting[:self._further_candidates(waves[0])]])
        for wave in waves:
            due = self._due(self._lines, wave)
            if not self._fits(self._expect(due)):
                break
            self._run(due)
            self._waves.append(wave)

    def evidence(self, question=0):
        """An ``Evidence`` of each candidate that has actions; ``question``: number of the observation."""
        return [Evidence(line.index, line.seed, {node: chunk.actions for node, chunk in line.chunks.items()},
                         {member: value for chunk in line.chunks.values() for member, value in chunk.values.items()},
                         line.joint_value, tuple(self._waves)) for line in self._lines if line.question == question]

    def pictures(self, index, every_depth=False):
        """What a candidate imagined: a tuple by depth of camera name -> (S, S, 3) uint8; one entry without every_depth.

        Futures that were skipped are made first when there is no deadline, so that pictures are the published ones.
        Empty for a mode without pictures.
        """
        if self._settings.mode is Mode.MODEL_FREE:
            return ()
        line = next(line for line in self._lines if line.index == index)
        return tuple(self._decode(line, node) for node in (sorted(line.chunks) if every_depth else [ROOT]))

    def _further_candidates(self, wave):
        """How many more candidates may act, so that all can still be valued once.

        A single rival may take what it needs, more of them no more than their share.
        """
        share = 1.0 if self._settings.mode is Mode.JOINT else self._settings.action_share
        acting_ends = self._began + share * (self._deadline - self._began)
        for count in range(len(self._waiting), 0, -1):
            further = self._waiting[:count]
            acting = self._expect(_Due(actions={(line, ROOT): None for line in further}))
            valuing = self._expect(self._due([*self._lines, *further], wave))
            in_share = count == 1 or self._clock() + acting <= acting_ends
            if in_share and self._fits(acting + valuing):
                return count
        return 0

    def _fits(self, seconds):
        reserve = self._reserved_decodes * self._decode_pace.expect(1, 1)
        return self._clock() + seconds + reserve <= self._deadline

    def _due(self, lines, wave):
        """The calls of ``wave`` that ``lines`` lack; a line that did not act yet counts as having done so."""
        due = _Due()
        for line in lines:
            for member in wave:
                chunk = line.chunks.get(member.node)
                settled = chunk is not None and self._is_settled(chunk)
                if settled and self._settings.depth == 1:
                    continue
                if chunk is None and member.node != ROOT:
                    due.actions[line, member.node] = None
                if self._settings.mode is Mode.MODEL_BASED and (chunk is None or member.future not in chunk.futures):
                    due.futures[line, member.node, member.future] = None
                if self._settings.mode is not Mode.JOINT and not settled and (
                        chunk is None or member not in chunk.values):
                    due.values[line, member] = None
        return due

    def _is_settled(self, chunk):
        settings = self._settings
        members = settings.judged_futures * settings.value_ensemble
        return members > 0 and is_settled(chunk.values.values(), members, settings.value_aggregation,
                                          settings.threshold)

    def _expect(self, due):
        """s that the calls of ``due`` will take."""
        settings = self._settings
        kinds = ((self._policy, [settings.action_steps] * len(due.actions)),
                 (self._planning, [settings.future_member_steps[future] for _, _, future in due.futures]),
                 (self._planning, [settings.value_member_steps[member.value] for _, member in due.values]))
        return sum(self._run_pace.expect(evaluations, size) for model, steps in kinds
                   for evaluations, places in _by_levels(model, steps)
                   for size in batch_sizes(len(places), settings.max_batch))

    def _run(self, due):
        self._act(list(due.actions))
        self._imagine(list(due.futures))
        self._judge(list(due.values))

    def _act(self, jobs):
        steps = [self._settings.action_steps] * len(jobs)
        latents = self._sample('action', self._policy, Stage.POLICY, [self._current(*job) for job in jobs],
                               [line.seed for line, _ in jobs], steps)
        for (line, node), latent in zip(jobs, latents):
            chunk = line.chunks[node] = _Chunk(latent, self._policy.actions(latent)[0])
            if node == ROOT:
                self._lines.append(line)
                line.joint_value = float(self._policy.values(latent)[0])
                if self._settings.mode is Mode.JOINT:
                    chunk.values[Member(ROOT, 0, 0)] = line.joint_value

    def _current(self, line, node):
        if node == ROOT:
            return line.scene.clean
        future = line.chunks[parent(node, self._settings)].futures[node.branch]
        return self._policy.look_ahead(future, line.scene, stale_proprio=self._settings.stale_proprio)

    def _imagine(self, jobs):
        chunks = [line.chunks[node] for line, node, _ in jobs]
        steps = [self._settings.future_member_steps[future] for _, _, future in jobs]
        latents = self._sample('future', self._planning, Stage.WORLD_MODEL, [chunk.latent for chunk in chunks],
                               [member_seed(line.seed, future) for line, _, future in jobs], steps)
        for chunk, (_, _, future), latent in zip(chunks, jobs, latents):
            chunk.futures[future] = latent

    def _judge(self, jobs):
        chunks = [line.chunks[member.node] for line, member in jobs]
        judged = [chunk.futures[member.future] if self._settings.mode is Mode.MODEL_BASED else chunk.latent
                  for chunk, (_, member) in zip(chunks, jobs)]
        steps = [self._settings.value_member_steps[member.value] for _, member in jobs]
        latents = self._sample('value', self._planning, self._settings.value_stage, judged,
                               [member_seed(line.seed, member.value) for line, member in jobs], steps)
        for chunk, (_, member), latent in zip(chunks, jobs, latents):
            chunk.values[member] = float(self._planning.values(latent)[0])

    def _sample(self, name, model, stage, clean, seeds, steps):
        """One latent (1, C, T, h, w) a job: equal noise levels share a batch."""
        began = self._clock()
        latents = [None] * len(clean)
        for evaluations, places in _by_levels(model, steps):
            for size in batch_sizes(len(places), self._settings.max_batch):
                batch, places = places[:size], places[size:]
                started = self._clock()
                sampled = model.sample(stage, torch.cat([clean[place] for place in batch]), self._instruction,
                                       [seeds[place] for place in batch], steps[batch[0]])
                self._run_pace.record(evaluations, size, self._clock() - started)
                self.calls += evaluations * size
                for place, latent in zip(batch, sampled.split(1)):
                    latents[place] = latent
        self._spent(name, began)
        return latents

    def _decode(self, line, node):
        settings, chunk = self._settings, line.chunks[node]
        missing = _Due(futures={(line, node, future): None for future in range(len(settings.future_member_steps))
                                if future not in chunk.futures})
        if self._deadline is None or self._fits(self._expect(missing)):
            self._run(missing)
        latents = [chunk.futures[future] for future in sorted(chunk.futures)] or [chunk.latent]
        if settings.picture_aggregation is PictureAggregation.LAST:
            latents = latents[-1:]
        began = self._clock()
        decoded = []
        for latent in latents:
            started = self._clock()
            decoded.append(self._policy.future_images(latent, line.scene)[0])
            self._decode_pace.record(1, 1, self._clock() - started)
        self._spent('decode', began)
        return {name: np.round(np.mean([images[name] for images in decoded], 0)).astype(np.uint8)
                for name in decoded[0]}

    def _spent(self, name, began):
        self.latencies[name] = self.latencies.get(name, 0.0) + self._clock() - began


def _by_levels(model, steps):
    """(network evaluations, places) for each distinct noise schedule among ``steps``, places in order."""
    groups = {}
    for place, count in enumerate(steps):
        groups.setdefault(tuple(model.config.noise_levels(count)), []).append(place)
    return [(len(levels), places) for levels, places in groups.items()]
