"""A backend without a network, and the observation it answers."""
import threading
import time

import numpy as np

from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.policy.errors import UnknownInstruction
from cosmos_policy_ros.policy.inference import Candidate, Inference, PlanReport
from cosmos_policy_ros.policy.observation import Observation
from cosmos_policy_ros.policy.serving.served_model import ServedModel

TASK = 'put the plate on the rack'
MODEL = ServedModel('fake', 'aloha', CAMERAS, 14, 14, 50, (TASK,))


def observation(shade=7, size=224):
    """Three pictures of different shades and a joint state that float32 holds exactly."""
    images = {name: np.full((size, size, 3), shade + i, np.uint8) for i, name in enumerate(CAMERAS)}
    return Observation(0.0, images, np.arange(14) / 16)


def expected_actions(seen, seed):
    """What ``FakeBackend`` answers: depends on every input, so that mixed-up requests show."""
    start = seen.proprio + seed + sum((i + 1) * int(seen.images[name][0, 0, 0]) for i, name in enumerate(CAMERAS))
    return start + np.arange(50)[:, None] / 7


class FakeBackend:
    """Answers at once, or as slowly and as badly as its instruction says.

    delay: s an inference takes. gate: an event that the instruction 'wait' waits for. calls: instructions in the order
    in which their inference began. most: how many inferences ran at the same time at most.
    """

    robot, instructions = 'aloha', (TASK,)

    def __init__(self, delay=0.0):
        self.delay, self.gate = delay, threading.Event()
        self.calls, self.budgets, self.most, self._now, self._lock = [], [], 0, 0, threading.Lock()
        self.warm = self.closed = False

    def warm_up(self):
        self.warm = True

    def infer(self, observation, instruction, seed, futures=False, budget=None, every_candidate=False):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self.calls.append(instruction)
            self.budgets.append(budget)
            time.sleep(self.delay)
            if instruction == 'wait':
                self.gate.wait(20)
            if instruction == 'crash':
                raise RuntimeError('secret detail')
            if instruction == 'unknown':
                raise UnknownInstruction('no embedding of \'unknown\'; embed it first')
            images = {name: image + np.uint8(1) for name, image in observation.images.items()} if futures else None
            actions = expected_actions(observation, seed)
            plan = None
            if instruction == 'plan':
                candidates = tuple(Candidate(q, seed + q, (actions + q,), .25 * q, (.25 * q,),
                                             (observation.images,) if every_candidate else (), .125, 3)
                                   for q in range(2))
                plan = PlanReport(candidates, 1, 1, 0, True, False, 122, .5)
                actions = actions + 1
            value = float('nan') if instruction == 'no value' else .5
            return Inference(actions, value, images, {'sample': .01, 'total': .02}, 'fake', plan)
        finally:
            with self._lock:
                self._now -= 1

    def close(self):
        self.closed = True
