"""Label recorded episodes, also long afterwards; without --as, show their labels (docs/exports.md)."""
import getpass

from cosmos_policy_ros.rollouts.labels import (FailureType, Label, LabelError, Verdict, add_label, current_label, now,
                                               read_labels)

from .console import CommandError, say


def add_arguments(parser):
    """Options of ``label``."""
    parser.add_argument('episodes', nargs='+', metavar='EPISODE', help='folders of episodes')
    parser.add_argument('--as', dest='verdict', default='', choices=['', *(verdict.value for verdict in Verdict)],
                        help='discard and redo leave an episode out of every export')
    parser.add_argument('--score', type=float, default=None, help='of a partial success: between 0 and 1')
    parser.add_argument('--failure', default='', choices=['', *(failure.value for failure in FailureType)],
                        help='why it failed, or succeeded only in part')
    parser.add_argument('--note', default='', help='one to three sentences')
    parser.add_argument('--operator', default='', help='who says so; empty takes the name of this login')


def run(args):
    """Add a label to each episode, or show what they have."""
    if args.verdict:
        label = _label(args)
        for folder in args.episodes:
            try:
                add_label(folder, label)
            except (OSError, LabelError) as error:
                raise CommandError(str(error), 'give the folder of an episode, as "demo" prints it') from error
    elif args.score is not None or args.failure or args.note:
        raise CommandError('--score, --failure and --note say more about a label', 'add --as, such as --as partial')
    shown = {folder: _shown(folder) for folder in args.episodes}
    for folder, entry in shown.items():
        say(f'{folder}: {entry["label"] or "no label"}')
        for line in entry['history']:
            say(f'  {line}')
    return {'episodes': shown}, f'label: episodes={len(shown)}' + (f' label={args.verdict}' if args.verdict else ''), 0


def _label(args):
    verdict = Verdict(args.verdict)
    if verdict is Verdict.FAILURE and not args.failure:
        raise CommandError('--as failure needs --failure', f'one of {", ".join(kind.value for kind in FailureType)}')
    try:
        return Label(verdict, now(), args.score, FailureType(args.failure) if args.failure else None, args.note,
                     args.operator or getpass.getuser(), 'cli')
    except LabelError as error:
        raise CommandError(str(error)) from error


def _shown(folder):
    from cosmos_policy_ros.rollouts.episode import EpisodeRecord
    try:
        label = current_label(folder, EpisodeRecord.load(folder))
        history = [f'{entry.at} {entry.text}' for entry in read_labels(folder)]
        return {'label': label.text if label else '', 'history': history}
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise CommandError(f'{folder}: {error}', 'give the folder of an episode, as "demo" prints it') from error
