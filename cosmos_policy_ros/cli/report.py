"""Report of a recorded episode, or of a folder of episodes, made again from the bags and labels."""
from pathlib import Path

from .console import CommandError


def add_arguments(parser):
    """Options of ``report``."""
    parser.add_argument('folder', help='folder of one episode, or of many')


def run(args):
    """Write report.html into an episode's folder, or session.html into one of many."""
    from cosmos_policy_ros.learning.statistics import wilson
    from cosmos_policy_ros.rollouts.episode import RECORD_FILE
    from cosmos_policy_ros.rollouts.report import write_report
    from cosmos_policy_ros.rollouts.session_report import write_session
    folder = Path(args.folder)
    try:
        report = write_report(folder) if (folder / RECORD_FILE).exists() else write_session(folder, wilson)
    except (OSError, ValueError) as error:
        hint = 'give the folder of an episode, as "demo" prints it, or one of many'
        raise CommandError(f'{folder}: {error}', hint) from error
    return {'report': str(report)}, f'report: {report}', 0
