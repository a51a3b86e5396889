"""Look at checkpoints, convert them from and to the released files, embed new sentences, verify this machine."""
import argparse
from pathlib import Path

from .console import CommandError, say


def add_arguments(parser):
    """Options of ``checkpoint``: one sub-command each."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')

    def action(name, help, run):
        sub = actions.add_parser(name, help=help, description=help, formatter_class=parser.formatter_class)
        sub.add_argument('--json', action='store_true', default=argparse.SUPPRESS,
                         help='one JSON object as the last line of the output')
        sub.set_defaults(perform=run)
        return sub

    inspect = action('inspect', 'What a file, folder or hub id is, and what it lacks to be run.', _inspect)
    inspect.add_argument('source', help='path, or hub id org/name[@revision]; an existing path always wins')

    convert = action('convert', 'Released files to a checkpoint folder, or a folder to one released file.', _convert)
    convert.add_argument('source', help='released files, checkpoint folder, or hub id')
    convert.add_argument('target', help='new folder; or new .pt or .safetensors file for the released format')
    convert.add_argument('--preset', default=None, help='robot of released files whose names do not tell it')
    convert.add_argument('--dtype', choices=('float32', 'bfloat16'), default=None,
                         help='number type to store, as the source if left out; upstream runs bfloat16')
    for part, text in (('statistics', 'data-set statistics (.json)'), ('text-embeddings', 'text embeddings (.pkl)'),
                       ('vae', 'Wan autoencoder (tokenizer.pth or a diffusers folder)')):
        convert.add_argument(f'--{part}', default=None, help=f'{text}: path or hub id where not beside the weights')

    verify = action('verify', 'Golden vectors on this machine; with a folder, its recorded answers, too.', _verify)
    verify.add_argument('folder', nargs='?', default=None, help='checkpoint folder with golden.safetensors')
    verify.add_argument('--device', default='cpu', help='torch device: cpu, cuda')
    verify.add_argument('--record', action='store_true', help='record the folder\'s answers here instead')

    embed = action('embed', 'Add sentences to a checkpoint folder, through the T5 encoder.', _embed)
    embed.add_argument('folder', help='checkpoint folder')
    embed.add_argument('sentences', nargs='+', metavar='sentence', help='instruction, letter by letter as it will come')
    embed.add_argument('--t5', default='google-t5/t5-11b', help='folder or hub id of the encoder')
    embed.add_argument('--device', default='cpu', help='torch device: cpu, cuda')
    embed.add_argument('--dtype', choices=('float32', 'bfloat16'), default='float32', help='number type of the encoder')


def run(args):
    """Do what the sub-command says."""
    from cosmos_policy_ros.policy.errors import PolicyError
    try:
        return args.perform(args)
    except PolicyError as error:
        what, _, advice = str(error).rpartition('; ')
        raise CommandError(what or advice, advice if what else '') from error
    except OSError as error:
        raise CommandError(str(error), 'check the path and who may write there') from error


def _inspect(args):
    from cosmos_policy_ros.policy.inspection import inspect_checkpoint
    found = inspect_checkpoint(args.source)
    lines = [f'{args.source}: {found.kind}', *_indented(found.facts),
             f'  to run: {"nothing is missing" if not found.missing else "missing " + ", ".join(found.missing)}']
    return {'kind': found.kind, 'missing': list(found.missing), **found.facts}, '\n'.join(lines), 0


def _convert(args):
    from cosmos_policy_ros.policy.conversion import to_folder, to_released
    target, single = Path(args.target), Path(args.target).suffix in ('.pt', '.safetensors')
    if target.exists():
        raise CommandError(f'{target} exists', 'give a new path, or remove it first')
    if not target.absolute().parent.is_dir():
        raise CommandError(f'{target.parent}: no such folder', 'make it first')
    parts = {name: getattr(args, name) for name in ('statistics', 'text_embeddings', 'vae')}
    parts = {name: value for name, value in parts.items() if value is not None}
    if single and (parts or args.preset):
        raise CommandError('a released file holds the network alone', 'leave out --preset and the paths of other parts')
    say(f'converting {args.source}')
    if single:
        facts = to_released(args.source, target, args.dtype)
    else:
        facts = to_folder(args.source, target, args.preset, args.dtype, **parts)
    return {'target': str(target), **facts}, '\n'.join([f'convert: {target}', *_indented(facts)]), 0


def _verify(args):
    import torch

    from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
    from cosmos_policy_ros.policy.golden import compare, record, verify_machine
    from cosmos_policy_ros.policy.hub import local_path
    folder = None if args.folder is None else local_path(args.folder)
    if args.record and (folder is None or not folder.is_dir()):
        raise CommandError('nothing to record', 'give the checkpoint folder')
    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise CommandError(f'no {args.device} here', 'leave out --device, or install torch for this GPU')
    policy = None if folder is None else CosmosPolicy.load(folder, device=args.device)
    if args.record:
        path = record(policy, folder)
        return {'recorded': str(path)}, f'verify: recorded {path}', 0
    results = list(verify_machine(args.device))
    lines = []
    if policy is not None:
        compared, about = compare(policy, folder)
        results += compared
        lines = [f'recorded on {about["device"]} with torch {about["torch"]}']
    width = max(len(result.name) for result in results)
    lines += [f'{result.name:{width}}  {result.error:9.2e}  {result.tolerance:9.2e}  {"ok" if result.ok else "FAILED"}'
              for result in results]
    failed = [result.name for result in results if not result.ok]
    lines = [f'{"":{width}}      error  tolerance', *lines,
             f'verify: {len(results) - len(failed)} of {len(results)} within tolerance on {args.device}']
    rows = [{'name': result.name, 'error': result.error, 'tolerance': result.tolerance, 'ok': result.ok}
            for result in results]
    return {'results': rows, 'failed': failed}, '\n'.join(lines), 1 if failed else 0


def _embed(args):
    import torch

    from cosmos_policy_ros.policy.checkpoint_folder import TEXT, load_config
    from cosmos_policy_ros.policy.t5 import embed
    from cosmos_policy_ros.policy.text_embeddings import add_embeddings
    folder = Path(args.folder)
    config = load_config(folder)
    if config.text_encoder != 'stored':
        raise CommandError(f'{folder} embeds every sentence by itself', 'use the sentence as it is')
    if not (folder / TEXT).is_file():
        raise CommandError(f'{folder / TEXT} is missing', 'make a folder of released files first: checkpoint convert')
    say(f'embedding {len(args.sentences)} with {args.t5}')
    rows = embed(args.sentences, config.text_tokens, config.network.text_embed_dim, args.t5, args.device,
                 getattr(torch, args.dtype))
    add_embeddings(folder / TEXT, rows)
    return {'folder': str(folder), 'added': list(rows)}, f'embed: added {", ".join(map(repr, rows))}', 0


def _indented(facts, depth=1):
    for name, value in facts.items():
        if isinstance(value, dict):
            yield f'{"  " * depth}{name}:'
            yield from _indented(value, depth + 1)
        elif value not in ([], ''):
            shown = ', '.join(map(str, value)) if isinstance(value, list) else value
            yield f'{"  " * depth}{name}: {shown}'
