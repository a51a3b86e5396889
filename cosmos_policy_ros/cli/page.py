"""Serve the operator's page for a phone or a tablet beside the robot: stop, state, rollouts, labels.

It attaches to a running graph as a stop source of its own. It does not replace the hardware stop.
"""
from cosmos_policy_ros.bringup.share import NAME

from .console import CommandError, say
from .options import add_attach_options, add_rollout_options, attach
from .preflight import check_task

PORT = 8778


def add_arguments(parser):
    """Options of ``page``."""
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on; others than loopback need a token')
    parser.add_argument('--port', type=int, default=PORT, help='TCP port')
    parser.add_argument('--token-file', default='', help='file with the token that the page\'s address has to carry; the '
                        'environment variable COSMOS_POLICY_TOKEN if empty')
    parser.add_argument('--certificate', default='', help='PEM file of the TLS certificate; plain HTTP if empty')
    parser.add_argument('--key', default='', help='PEM file of its key')
    parser.add_argument('--source', default='page', help='id of the stop source that the page is')
    add_attach_options(parser)
    add_rollout_options(parser, 'start')


def run(args):
    """Serve until Ctrl-C."""
    check_task(args.task, simulated=False)
    try:
        import uvicorn

        from cosmos_policy_ros.policy.serving.settings import ServerSettings, is_loopback, read_token
    except ImportError as error:
        raise CommandError(f'page needs the package {error.name}', f'pip install "{NAME}[serve]"') from error
    try:
        token = read_token(args.token_file)
        ServerSettings(host=args.host, port=args.port, token=token, certificate=args.certificate, key=args.key)
    except ValueError as error:
        raise CommandError(str(error)) from error
    attach(args)
    from cosmos_policy_ros.nodes.operator import Operator
    from cosmos_policy_ros.nodes.operator_page import OperatorPage
    from cosmos_policy_ros.nodes.station import Station
    hosts = {f'{name}:{args.port}' for name in ('127.0.0.1', 'localhost', '[::1]')} if is_loopback(args.host) else None
    with Station(args.source, heartbeat=False) as station:
        operator = Operator(station, args.task, args.seed, args.step_limit, args.mode)
        page = OperatorPage(operator, station, '' if is_loopback(args.host) else token, hosts)
        scheme = 'https' if args.certificate else 'http'
        say(f'page: {scheme}://{args.host}:{args.port}/' + ('' if is_loopback(args.host) else '?token=...') + '  Ctrl-C ends')
        uvicorn.run(page.app, host=args.host, port=args.port, log_level='warning', access_log=False,
                    ssl_certfile=args.certificate or None, ssl_keyfile=args.key or None)
        operator.close()
    return {'rollouts': operator.results}, f'page: rollouts={len(operator.results)}', 0
