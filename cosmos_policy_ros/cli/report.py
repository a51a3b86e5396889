"""Report and video of a recorded episode, made again from its bag."""
from pathlib import Path

from .console import CommandError


def add_arguments(parser):
    """Options of ``report``."""
    parser.add_argument('episode', help='folder of one episode')


def run(args):
    """Write report.html and episode.mp4 into the episode's folder."""
    from cosmos_policy_ros.rollouts.report import write_report
    folder = Path(args.episode)
    try:
        report = write_report(folder)
    except (OSError, ValueError) as error:
        raise CommandError(f'{folder}: {error}', 'give the folder of an episode, as "demo" prints it') from error
    return {'report': str(report)}, f'report: {report}', 0
