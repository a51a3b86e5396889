"""Backends that infer on this machine, from checkpoint folders to chunks."""
import time
from dataclasses import dataclass, field

import numpy as np
import torch

from ..cosmos_policy import CosmosPolicy
from ..cuda_graph import CudaGraphs
from ..images import network_images
from ..inference import Inference
from ..sampling_loop import Execution
from .planner import LocalPlanner, out_of_memory
from .ray_workers import RayPlanner


class DirectBackend:
    """A ``Backend`` that takes what one sample of the policy says. A budget cannot shorten it."""

    def __init__(self, policy, steps=None):
        """steps: denoising steps, the checkpoint's default if None."""
        self.robot = policy.config.robot
        self.instructions = policy.instructions
        self.statistics = policy.statistics
        self._policy = policy
        self._steps = steps

    def warm_up(self):
        self._policy.warm_up(self._steps)

    def infer(self, observation, instruction, seed, futures=False, budget=None, every_candidate=False):
        """As ``Backend.infer``."""
        try:
            prediction = self._policy.predict(observation, instruction, seed, self._steps, futures or every_candidate)
        except torch.OutOfMemoryError as error:
            raise out_of_memory(error) from error
        return Inference(prediction.actions, prediction.value, prediction.future_images, prediction.latencies)

    def infer_batch(self, observations, instructions, seeds):
        """An ``Inference`` for each of B questions, all in one pass and without pictures."""
        pictures = np.stack([network_images(observation.images, self._policy.config) for observation in observations])
        proprio = np.stack([observation.proprio for observation in observations])
        began = time.perf_counter()
        batch = self._policy.predict_batch(pictures, proprio, instructions, seeds, self._steps)
        latencies = {'total': time.perf_counter() - began}
        return [Inference(actions, float(value), latencies=latencies)
                for actions, value in zip(batch.actions, batch.values)]

    def close(self):
        """Nothing to end."""


@dataclass(frozen=True)
class PlannerFactory:
    """Loads a planner, here or in a worker: folders instead of weights, because those do not travel.

    policy: checkpoint folder. planning: another for the world model and the value, None to ask the policy. device: as
    torch names it. options: of ``CosmosPolicy``.
    """

    policy: str
    planning: str = None
    device: str = 'cpu'
    options: dict = field(default_factory=dict)

    def __call__(self, settings):
        """A ``LocalPlanner``. Raises ``CheckpointError`` as ``CosmosPolicy.load`` does."""
        # The two models never run at the same time, so their recordings can share memory.
        graphs = CudaGraphs() if self.options.get('execution') is Execution.GRAPH else None
        policy, planning = (CosmosPolicy.load(folder, self.device, graphs=graphs, **self.options) if folder else None
                            for folder in (self.policy, self.planning))
        return LocalPlanner(policy, planning, settings)


def planning_backend(factory, settings, workers=0, address=None):
    """The ``Backend`` for these settings.

    Args:
        factory: a ``PlannerFactory``. workers: Ray workers, one GPU each unless ``factory.device`` is the CPU; 0 plans
            in this process. address: of a Ray cluster to join, None for one of our own.
    """
    if not workers:
        return factory(settings)
    return RayPlanner(factory, workers, settings, gpus_per_worker=0 if factory.device == 'cpu' else 1, address=address)
