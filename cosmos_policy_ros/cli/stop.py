"""Stop the arms from any terminal. A software stop: it never replaces the hardware stop."""
import os
import time

from cosmos_policy_ros.bringup.environment import ros_environment

from .console import CommandError
from .options import check_domain

PATIENCE = 5.0


def add_arguments(parser):
    """Options of ``stop``."""
    parser.add_argument('--domain', type=int, default=None, help='ROS domain id; the environment\'s by default')


def run(args):
    """Press the stop of source ``cli`` until the supervisor says that it stopped."""
    check_domain(args.domain)
    os.environ.update(ros_environment(args.domain))
    from cosmos_policy_ros.msg import SafetyStatus
    from cosmos_policy_ros.nodes.station import Station
    with Station('cli', heartbeat=False) as station:
        station.press()
        deadline = time.monotonic() + PATIENCE
        while station.status is None or station.status.state != SafetyStatus.ESTOPPED:
            if time.monotonic() > deadline:
                heard = f'it says {station.status.state_name}' if station.status else 'no supervisor was heard'
                raise CommandError(f'the stop is not confirmed after {PATIENCE:.0f} s: {heard}',
                                   'use the hardware stop now; then check the domain and "cosmos-policy-ros doctor"')
            time.sleep(0.01)
        status = station.status
    return {'state': status.state_name, 'event_id': status.last_event_id}, f'stopped: event {status.last_event_id}', 0
