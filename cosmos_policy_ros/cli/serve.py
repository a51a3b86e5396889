"""Serve a checkpoint over HTTP: the published /act protocol, for robots whose ROS cannot hold the model."""
import importlib.metadata
import logging
from dataclasses import replace

from cosmos_policy_ros.bringup.share import NAME, default_checkpoint

from .console import CommandError, say

DIRECT = 'direct'


def add_arguments(parser):
    """Options of ``serve``."""
    model = parser.add_argument_group('model')
    model.add_argument('--checkpoint', default='', help='checkpoint folder, released files or a model-hub id; the '
                       'shipped tiny one if empty')
    model.add_argument('--planning', default=DIRECT, help='"direct", or a planning preset: defaults, paper, depth_3')
    model.add_argument('--planning-checkpoint', default='', help='planning model; the policy itself if empty')
    model.add_argument('--steps', type=int, default=None, help='denoising steps of the actions; the checkpoint\'s '
                       'own number if not given')
    model.add_argument('--workers', type=int, default=0, help='Ray workers that share the candidates, one GPU each; 0 '
                       'plans in this process')
    model.add_argument('--cluster', default='', help='address of a Ray cluster to join; one of its own if empty')
    model.add_argument('--device', default='cpu', help='torch device: cpu, cuda')
    model.add_argument('--execution', default='eager', choices=('eager', 'compiled', 'graph'),
                       help='form of the sampling loop')
    model.add_argument('--fp8', action='store_true', help='large products in 8 bits: faster on some GPUs and not exact')
    model.add_argument('--threads', type=int, default=1, help='torch threads on a CPU')
    model.add_argument('--seed', type=int, default=195, help='of the start noise of requests that name none')
    model.add_argument('--budget', type=float, default=0.0, help='s that requests without a budget of their own give '
                       'the planner; 0: as long as it takes')
    server = parser.add_argument_group('server')
    server.add_argument('--host', default='127.0.0.1', help='address to listen on; others than loopback need a token')
    server.add_argument('--port', type=int, default=8777, help='TCP port; 0 takes a free one')
    server.add_argument('--token-file', default='', help='file with the bearer token that clients have to send; the '
                        'environment variable COSMOS_POLICY_TOKEN if empty')
    server.add_argument('--insecure', action='store_true', help='listen beyond loopback without a token')
    server.add_argument('--certificate', default='', help='PEM file of the TLS certificate; plain HTTP if empty')
    server.add_argument('--key', default='', help='PEM file of its key')
    server.add_argument('--queue', type=int, default=8, help='requests that may wait for the model')
    server.add_argument('--deadline', type=float, default=30.0, help='s from a request to its answer')
    server.add_argument('--max-body', type=int, default=16, help='MiB of one request')
    server.add_argument('--max-image-side', type=int, default=2048, help='pixels')
    server.add_argument('--stop-timeout', type=float, default=30.0, help='s that a stop waits for the running request')
    server.add_argument('--legacy-errors', action='store_true', help='answer 200 and "error" whatever went wrong, as '
                        'the published server does')


def run(args):
    """Serve until SIGINT or SIGTERM; the running request is finished first."""
    try:
        from cosmos_policy_ros.policy.serving.server import Server, bind
        from cosmos_policy_ros.policy.serving.settings import ServerSettings, read_token
    except ImportError as error:
        raise CommandError(f'serve needs the package {error.name}', f'pip install "{NAME}[serve]"') from error
    from cosmos_policy_ros.policy.errors import PolicyError
    try:
        settings = ServerSettings(
            host=args.host, port=args.port, token=read_token(args.token_file), insecure=args.insecure,
            certificate=args.certificate, key=args.key, queue=args.queue, deadline=args.deadline,
            max_body=args.max_body << 20, max_image_side=args.max_image_side, stop_timeout=args.stop_timeout,
            seed=args.seed, budget=args.budget, legacy_errors=args.legacy_errors)
        plan = _plan_settings(args)
        logging.basicConfig(level=logging.INFO, format='%(asctime)s %(levelname)s %(message)s')
        logging.getLogger('uvicorn').setLevel(logging.WARNING)
        with bind(settings) as listener:
            backend, model = _load(args, plan)
            host, port = listener.getsockname()[:2]
            url = f'{"https" if settings.certificate else "http"}://{host}:{port}/act'
            code = Server(listener, backend, model, settings, _version(), _gpu_memory(args.device),
                          lambda: say(f'{model.model} for {model.robot} on {url}, ready when /health says so')).run()
    except (PolicyError, ValueError) as error:
        raise CommandError(str(error)) from error
    line = 'serve: stopped' if code == 0 else f'serve: an inference still ran after {settings.stop_timeout:g} s'
    return {'stopped': code == 0, 'host': host, 'port': port}, line, code


def _plan_settings(args):
    """``PlanSettings``, None for the direct mode; ``CommandError`` for options that contradict each other."""
    from cosmos_policy_ros.policy.planning.settings import PRESETS
    if args.planning == DIRECT:
        if args.workers or args.planning_checkpoint:
            raise CommandError('workers and a planning checkpoint are for planning', 'add --planning paper')
        return None
    if args.planning not in PRESETS:
        raise CommandError(f'unknown planning preset {args.planning!r}', f'use {DIRECT}, {", ".join(PRESETS)}')
    return PRESETS[args.planning] if args.steps is None else replace(PRESETS[args.planning], action_steps=args.steps)


def _load(args, plan):
    """(backend, ``ServedModel``); ``PolicyError`` of the checkpoint, ``ValueError`` of the execution."""
    from cosmos_policy_ros.policy.checkpoint_folder import load_config
    from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
    from cosmos_policy_ros.policy.planning.backends import DirectBackend, PlannerFactory, planning_backend
    from cosmos_policy_ros.policy.sampling_loop import Execution
    from cosmos_policy_ros.policy.serving.served_model import ServedModel
    source = args.checkpoint or str(default_checkpoint())
    options = {'threads': args.threads, 'execution': Execution(args.execution), 'fp8': args.fp8}
    say(f'loading {source}')
    if plan is None:
        backend = DirectBackend(CosmosPolicy.load(source, args.device, **options), args.steps)
    else:
        factory = PlannerFactory(source, args.planning_checkpoint or None, args.device, options)
        backend = planning_backend(factory, plan, args.workers, args.cluster or None)
    return backend, ServedModel.of(load_config(source), backend.instructions)


def _version():
    try:
        return importlib.metadata.version(NAME)
    except importlib.metadata.PackageNotFoundError:
        return 'unknown'


def _gpu_memory(device):
    if not device.startswith('cuda'):
        return None
    import torch
    return torch.cuda.memory_allocated
