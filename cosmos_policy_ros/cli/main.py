"""Entry point of ``cosmos-policy-ros``."""
import argparse
import importlib
import json
import sys

from .console import CommandError, say

COMMANDS = ('demo', 'up', 'operate', 'arms', 'stop', 'fault', 'doctor', 'evaluate', 'study', 'trials', 'robot-trials',
            'collect', 'train', 'learn', 'finetune', 'checkpoint', 'envelope', 'report', 'label', 'replay-policy',
            'export', 'import', 'serve', 'page')


def build_parser():
    """The parser with one sub-parser a command; each lives in the module of its name, "-" as "_"."""
    parser = argparse.ArgumentParser(
        prog='cosmos-policy-ros', description='NVIDIA Cosmos Policy on the bimanual ALOHA robot, and on its simulation.')
    parser.add_argument('--traceback', action='store_true', help='show the Python traceback of an error')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name in COMMANDS:
        module = importlib.import_module(f'.{name.replace("-", "_")}', __package__)
        command = commands.add_parser(name, help=module.__doc__.splitlines()[0], description=module.__doc__,
                                      formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        module.add_arguments(command)
        command.add_argument('--json', action='store_true', help='one JSON object as the last line of the output')
        command.set_defaults(run=module.run)
    return parser


def main(arguments=None):
    """Run one command; exit code 0 only when it did its job."""
    args = build_parser().parse_args(arguments)
    try:
        result, line, code = args.run(args)
    except CommandError as error:
        if args.traceback:
            raise
        result, line, code = {'error': str(error), 'hint': error.hint}, None, error.code
        say(f'error: {error}' + (f'\n  next: {error.hint}' if error.hint else ''))
    except KeyboardInterrupt:
        result, line, code = {'error': 'interrupted'}, None, 130
        say('interrupted')
    if args.json:
        print(json.dumps(result), flush=True)
    elif line:
        print(line, flush=True)
    sys.exit(code)


if __name__ == '__main__':
    main()
