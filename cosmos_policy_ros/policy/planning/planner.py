"""Best-of-N planning in this process, exact without a budget and anytime with one."""
import time

import numpy as np
import torch

from ..errors import PolicyError
from ..layout import Stage
from ..observation import Observation
from .pace import Pace
from .ranking import answer, rank
from .search import Search, batch_shapes
from .settings import PAPER, Mode, PictureAggregation


class LocalPlanner:
    """A ``Backend`` that compares candidates with one or two models on one device. One query at a time."""

    def __init__(self, policy, planning=None, settings=PAPER, clock=time.perf_counter):
        """policy, planning: ``StepModel``s on one device; planning predicts futures and values, ``policy`` if None.

        Raises:
            PolicyError: the two models are not of one family.
        """
        self.settings = settings
        self._policy = policy
        self._planning = planning or policy
        self._clock = clock
        self._run_pace, self._decode_pace = Pace(), Pace()
        for name in ('robot', 'layout', 'latent_shape', 'action_dim', 'proprio_dim', 'chunk_rows'):
            ours, theirs = getattr(policy.config, name), getattr(self._planning.config, name)
            if ours != theirs:
                raise PolicyError(f'the planning model\'s {name} is {theirs}, the policy\'s {ours}; load a planning '
                                  f'checkpoint that was trained from this policy')

    @property
    def statistics(self):
        """Of the policy's training data."""
        return self._policy.statistics

    @property
    def robot(self):
        return self._policy.config.robot

    @property
    def instructions(self):
        """Sentences that both models know."""
        return tuple(name for name in self._policy.instructions if name in self._planning.instructions)

    def warm_up(self):
        """Makes each kind of call and learns its time.

        On an accelerator twice with every batch size, because each may be compiled or captured; on a CPU with a single
        sample, from which the time of more follows.
        """
        if not self.instructions:
            raise PolicyError('the policy and the planning checkpoint store no common instruction; embed one into both')
        config, size = self._policy.config, self._policy.config.image_size
        images = {name: np.zeros((size, size, 3), np.uint8) for name in config.layout.cameras}
        scene = self._policy.observe(Observation(0.0, images, np.zeros(config.proprio_dim)))
        accelerated = self._policy.device.type != 'cpu'
        for model, stage, steps, count in self._calls():
            for batch in batch_shapes(count, self.settings.max_batch) if accelerated else (1,):
                clean = torch.cat([scene.clean] * batch)
                if accelerated:
                    self._timed_sample(model, stage, clean, steps)
                seconds = self._timed_sample(model, stage, clean, steps)
                self._run_pace.record(len(model.config.noise_levels(steps)), batch, seconds)
        if self.settings.mode is not Mode.MODEL_FREE:
            started = self._clock()
            self._policy.future_images(scene.clean, scene)
            self._decode_pace.record(1, 1, self._clock() - started)

    def infer(self, observation, instruction, seed, futures=False, budget=None, every_candidate=False):
        """As ``Backend.infer``. A candidate's actions and values are those it would have alone.

        With a budget that not even the first candidate fits into, its actions come late and the report says so.
        """
        started = self._clock()
        try:
            search = self.begin(observation, instruction, seed, range(self.settings.candidates), budget, futures,
                                every_candidate)
            search.refine()
            ranking = rank(search.evidence(), self.settings)
            shown = [candidate.index for candidate in ranking.candidates
                     if every_candidate or futures and candidate is ranking.chosen]
            pictures = {index: search.pictures(index, every_candidate) for index in shown}
        except torch.OutOfMemoryError as error:
            raise out_of_memory(error) from error
        elapsed = self._clock() - started
        return answer(ranking, pictures, search.calls, elapsed, budget, latencies=search.latencies)

    def infer_batch(self, observations, instructions, seeds):
        """An ``Inference`` for each of B questions, whose candidates share network calls of up to ``max_batch`` samples.

        Everything is evaluated and no picture decoded; the answers are those of :meth:`infer`.
        """
        answers = [None] * len(seeds)
        for instruction in dict.fromkeys(instructions):
            places = [place for place, own in enumerate(instructions) if own == instruction]
            started = self._clock()
            search = self._search(instruction)
            try:
                search.begin_all([observations[place] for place in places], [seeds[place] for place in places])
                search.refine()
            except torch.OutOfMemoryError as error:
                raise out_of_memory(error) from error
            elapsed = self._clock() - started
            for number, place in enumerate(places):
                ranking = rank(search.evidence(number), self.settings)
                answers[place] = answer(ranking, {}, search.calls // len(places), elapsed, latencies=search.latencies)
        return answers

    def _search(self, instruction):
        return Search(self._policy, self._planning, self.settings, instruction, self._clock, self._run_pace,
                      self._decode_pace)

    def begin(self, observation, instruction, seed, indices, budget, futures, every_candidate):
        """The ``Search`` for some of the candidates, with the first actions made; arguments as in :meth:`infer`."""
        deadline = None if budget is None else self._clock() + budget
        search = self._search(instruction)
        shown = len(indices) if every_candidate else int(futures)
        search.begin(observation, seed, indices, deadline, shown * self._decodes_each())
        return search

    def _decodes_each(self):
        settings = self.settings
        if settings.mode is Mode.MODEL_FREE:
            return 0
        if settings.picture_aggregation is PictureAggregation.LAST:
            return 1
        return len(settings.future_member_steps) or 1

    def close(self):
        """Nothing to end."""

    def _calls(self):
        """(model, stage, steps, most samples at once) of every kind of call; equal noise schedules once."""
        settings = self.settings
        calls = [(self._policy, Stage.POLICY, settings.action_steps, settings.candidates)]
        calls += [(self._planning, Stage.WORLD_MODEL, steps, settings.candidates)
                  for steps in settings.future_member_steps]
        if settings.mode is not Mode.JOINT:
            most = settings.candidates * settings.judged_futures * len(settings.value_member_steps)
            calls += [(self._planning, settings.value_stage, steps, most) for steps in settings.value_member_steps]
        distinct = {(stage, tuple(model.config.noise_levels(steps))): (model, stage, steps, most)
                    for model, stage, steps, most in calls}
        return list(distinct.values())

    def _timed_sample(self, model, stage, clean, steps):
        started = self._clock()
        model.sample(stage, clean, self.instructions[0], list(range(len(clean))), steps)
        return self._clock() - started


def out_of_memory(error):
    """The ``PolicyError`` for an accelerator that is full."""
    return PolicyError(f'the accelerator ran out of memory ({str(error).splitlines()[0]}); lower max_batch, or take a '
                       f'device that nothing else uses')
