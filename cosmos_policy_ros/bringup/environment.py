"""Environment of the ROS processes: one host only, enough shared memory for images, one thread each."""
import os

from .share import config_file


THREADS = {'OMP_NUM_THREADS': '1', 'LP_NUM_THREADS': '1', 'MUJOCO_GL': 'egl', 'PYTHONUNBUFFERED': '1'}
"""One thread for torch and for the software renderer; a renderer that needs no screen."""


def ros_environment(domain=None):
    """Environment variables for node processes on this host alone.

    Args:
        domain: ROS domain id, or None to keep the caller's.

    Values that the caller has set are kept. The discovery range stays at its system default because the shipped
    Fast DDS profile itself is limited to the loopback interface.
    """
    environment = dict(os.environ)
    profile = str(config_file('fastdds_one_host.xml'))
    # Jazzy and earlier know the variable under Fast DDS's former name, which later ones warn about.
    old = environment.get('ROS_DISTRO') in ('humble', 'iron', 'jazzy')
    one_host = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SYSTEM_DEFAULT',
                'FASTRTPS_DEFAULT_PROFILES_FILE' if old else 'FASTDDS_DEFAULT_PROFILES_FILE': profile}
    for name, value in {**THREADS, **one_host}.items():
        environment.setdefault(name, value)
    if domain is not None:
        environment['ROS_DOMAIN_ID'] = str(domain)
    return environment
