"""Writes an episode's video and report: ``python -m cosmos_policy_ros.rollouts FOLDER``."""
import argparse

from .report import write_report
from .video import write_video


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(prog='python -m cosmos_policy_ros.rollouts', description=__doc__)
    parser.add_argument('folder', help="an episode's folder, which is a rosbag2 folder as well")
    parser.add_argument('--no-video', action='store_true')
    parser.add_argument('--no-report', action='store_true')
    arguments = parser.parse_args()
    if not arguments.no_video:
        print(write_video(arguments.folder) or 'the bag holds no images')
    if not arguments.no_report:
        print(write_report(arguments.folder))


if __name__ == '__main__':
    main()
