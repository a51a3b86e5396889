"""Which inference the policy node runs: parameters, and the backend that they describe."""
import platform
from dataclasses import dataclass

import numpy as np

from cosmos_policy_ros.bringup.graph import MODES, ROBOT

from .parameters import parameter
from .robot import RobotParameters
from .running import StartupError

RANKINGS = ('model_based', 'model_free', 'model_free_with_futures', 'joint')
EXECUTIONS = ('eager', 'compiled', 'graph')


@dataclass(frozen=True)
class InferenceParameters(RobotParameters):
    """Parameters of inference beside those of the robot. The planner's have the published values as defaults."""

    mode: str = parameter('direct', 'direct: one sample a chunk; planning: best of several candidates', choices=MODES)
    checkpoint: str = parameter('', 'folder, or id on the model hub; not read when a server infers')
    denoising_steps: int = parameter(5, 'network calls for the actions of a chunk', 1, 50)
    device: str = parameter('cpu', 'torch device')
    threads: int = parameter(1, 'threads of the network on a CPU', 1, 64)
    execution: str = parameter('eager', 'form of the sampling loop; compiled and graph need a GPU and a longer start',
                               choices=EXECUTIONS)
    fp8: bool = parameter(False, 'large products in 8 bits: faster on some GPUs and not exact')

    server: str = parameter('', 'URL of an /act server that infers in place of this process, such as '
                                'http://localhost:8777; empty: infer here')
    server_token_file: str = parameter('', 'file with the bearer token of that server')
    server_authority: str = parameter('', 'PEM file of the authority that signed its certificate')
    server_timeout: float = parameter(30.0, 's, deadline of a request', 0.1, 300.0)

    planning_checkpoint: str = parameter('', 'checkpoint that predicts futures and values; empty: the policy itself')
    candidates: int = parameter(8, 'planning: chunks to choose from', 1, 256)
    ranking: str = parameter('model_based', 'planning: which calls rank a candidate', choices=RANKINGS)
    future_steps: int = parameter(5, 'planning: network calls for a future', 1, 50)
    value_steps: int = parameter(5, 'planning: network calls for a value', 1, 50)
    future_ensemble: int = parameter(3, 'planning: futures of each candidate; 0 is one with all steps', 0, 50)
    value_ensemble: int = parameter(5, 'planning: values of each future; 0 is one with all steps', 0, 50)
    value_stage: str = parameter('future_value', 'planning: what a value is predicted from',
                                 choices=('future_value', 'value', 'action_value'))
    value_aggregation: str = parameter('majority_mean', 'planning: how the values of a candidate become one',
                                       choices=('average', 'lcb', 'success_vote', 'majority_mean'))
    search_depth: int = parameter(1, 'planning: chunks looked ahead', 1, 10)
    depth_aggregation: str = parameter('use_last_value', 'planning: how the values along a look-ahead become one',
                                       choices=('use_last_value', 'average'))
    stale_proprio: bool = parameter(False, "planning: look ahead from imagined pictures but today's joint state, as the "
                                           'published code does by mistake')
    budget: float = parameter(0.0, 'planning: s until a chunk must be there, with what was evaluated by then; '
                                   '0 evaluates everything', 0.0, 60.0)
    action_share: float = parameter(0.5, 'planning: share of the budget that candidates after the first may take before '
                                         'the first value', 0.05, 1.0)
    max_batch: int = parameter(8, 'planning: samples in one network call; bounds the GPU memory', 1, 256)
    workers: int = parameter(0, 'planning: Ray workers, each with a GPU of its own unless the device is cpu; 0 plans in '
                                'this process', 0, 64)
    ray_address: str = parameter('', 'planning: Ray cluster to join; empty starts one that only this machine reaches')


def make_backend(p):
    """The ``policy.inference.Backend`` of ``InferenceParameters`` and what to record about it, both JSON-ready.

    Raises:
        StartupError: parameters that contradict each other, or a checkpoint for another robot.
        PolicyError: the checkpoint, Ray or the server cannot be used.
    """
    make = _remote if p.server else _planning if p.mode == 'planning' else _direct
    try:
        backend = make(p)
    except ValueError as error:
        raise StartupError(f'inference: {error}') from error
    try:
        backend.warm_up()
        if backend.robot != ROBOT:
            raise StartupError(f'{p.server or p.checkpoint} is for the robot {backend.robot!r}, this is {ROBOT!r}; set the '
                               f'parameter "{"server" if p.server else "checkpoint"}" to one for this robot')
        return backend, _provenance(p)
    except BaseException:
        backend.close()
        raise


def _direct(p):
    from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
    from cosmos_policy_ros.policy.planning.backends import DirectBackend
    return DirectBackend(CosmosPolicy.load(p.checkpoint, p.device, **_options(p)), p.denoising_steps)


def _planning(p):
    from cosmos_policy_ros.policy.planning.backends import PlannerFactory, planning_backend
    from cosmos_policy_ros.policy.planning.settings import PlanSettings
    settings = PlanSettings(
        candidates=p.candidates, mode=p.ranking, action_steps=p.denoising_steps, future_steps=p.future_steps,
        value_steps=p.value_steps, future_ensemble=p.future_ensemble, value_ensemble=p.value_ensemble,
        value_stage=p.value_stage, value_aggregation=p.value_aggregation, depth=p.search_depth,
        depth_aggregation=p.depth_aggregation, stale_proprio=p.stale_proprio, max_batch=p.max_batch,
        action_share=p.action_share)
    factory = PlannerFactory(p.checkpoint, p.planning_checkpoint or None, p.device, _options(p))
    return planning_backend(factory, settings, p.workers, p.ray_address or None)


def _remote(p):
    from cosmos_policy_ros.policy.serving.client import RemoteBackend
    from cosmos_policy_ros.policy.serving.settings import read_token
    return RemoteBackend(p.server, timeout=p.server_timeout, token=read_token(p.server_token_file),
                         authority=p.server_authority)


def _options(p):
    from cosmos_policy_ros.policy.sampling_loop import Execution
    return {'threads': p.threads, 'execution': Execution(p.execution), 'fp8': p.fp8}


def _provenance(p):
    policy = {'mode': p.mode, 'denoising_steps': p.denoising_steps}
    versions = {'numpy': np.__version__, 'python': platform.python_version()}
    if p.server:
        return {'checkpoint': '', 'policy': policy | {'server': p.server}, 'versions': versions}
    import torch

    from cosmos_policy_ros.policy.checkpoint_folder import checkpoint_digest, load_config
    policy |= {'folder': p.checkpoint, 'preset': load_config(p.checkpoint).preset, 'device': p.device}
    if p.mode == 'planning':
        names = ('planning_checkpoint', 'candidates', 'ranking', 'future_steps', 'value_steps', 'future_ensemble',
                 'value_ensemble', 'value_stage', 'value_aggregation', 'search_depth', 'depth_aggregation', 'stale_proprio',
                 'budget', 'workers')
        policy['planner'] = {name: getattr(p, name) for name in names}
    return {'checkpoint': checkpoint_digest(p.checkpoint), 'policy': policy,
            'versions': versions | {'torch': torch.__version__}}
