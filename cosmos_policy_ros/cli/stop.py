"""Stop the arms from any terminal. A software stop: it never replaces the hardware stop."""
import os
import time

from cosmos_policy_ros.bringup.environment import ros_environment

from .console import CommandError
from .options import chosen_domain

PATIENCE = 5.0


def add_arguments(parser):
    """Options of ``stop``."""
    parser.add_argument('--domain', type=int, default=None, help='ROS domain id; the environment\'s by default')
    parser.add_argument('--release', action='store_true',
                        help='let go of the stop that this command pressed; the arms stay stopped until the reset')


def run(args):
    """Press the stop of source ``cli``, or release it, and wait until the supervisor says so."""
    os.environ.update(ros_environment(chosen_domain(args.domain)))
    from cosmos_policy_ros.nodes.station import Station
    with Station('cli', heartbeat=False) as station:
        if args.release:
            station.release()
            _wait(station, _released, 'release')
        else:
            station.press()
            _wait(station, _stopped, 'stop')
        status = station.status
    word = 'released' if args.release else 'stopped'
    return {'state': status.state_name, 'event_id': status.last_event_id}, f'{word}: event {status.last_event_id}', 0


def _stopped(status):
    return status.state == status.ESTOPPED


def _released(status):
    return not any(blocker.startswith('stop source cli') for blocker in status.blockers)


def _wait(station, confirmed, what):
    deadline = time.monotonic() + PATIENCE
    while station.status is None or not confirmed(station.status):
        if time.monotonic() > deadline:
            heard = f'it says {station.status.state_name}' if station.status else 'no supervisor was heard'
            raise CommandError(f'the {what} is not confirmed after {PATIENCE:.0f} s: {heard}',
                               'use the hardware stop now; then check the domain and "cosmos-policy-ros doctor"')
        time.sleep(0.01)
