"""A fake model that misbehaves on request, for workers in other processes."""
import os
import time
from pathlib import Path

from plan_fakes import FakeModel

from cosmos_policy_ros.policy.errors import NonFinitePrediction, UnknownInstruction
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.planning.planner import LocalPlanner


class FakeFragileModel(FakeModel):
    """Obeys files in ``folder`` once each when it evaluates candidate 1: 'die', 'die at once', 'fail', 'stall'.

    'all die' is obeyed by every worker. A stall ends when the file 'go on' exists.
    """

    def __init__(self, folder):
        super().__init__(0.9)
        self._folder = Path(folder)
        self._mine = set()

    def observe(self, observation):
        self._mine = set()
        return super().observe(observation)

    def sample(self, stage, clean, instruction, seeds, steps):
        if instruction not in self.instructions:
            raise UnknownInstruction(f'no embedding of {instruction!r}')
        if stage is Stage.POLICY:
            self._mine.update(seeds)
            if self._told('die at once'):
                os._exit(1)
            if (self._folder / 'all die').exists():
                os._exit(1)
        elif stage is Stage.FUTURE_VALUE:
            if self._told('die'):
                os._exit(1)
            if self._told('fail'):
                raise NonFinitePrediction('the network answered NaN')
            if self._told('stall'):
                while not (self._folder / 'go on').exists():
                    time.sleep(0.02)
        return super().sample(stage, clean, instruction, seeds, steps)

    def _told(self, what):
        file = self._folder / what
        if 196 not in self._mine or not file.exists():
            return False
        file.unlink()
        return True


class FakeFactory:
    def __init__(self, folder):
        self._folder = folder

    def __call__(self, settings):
        return LocalPlanner(FakeFragileModel(self._folder), settings=settings)
