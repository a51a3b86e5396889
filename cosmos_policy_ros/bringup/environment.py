"""Environment of the ROS processes: one host only, enough shared memory for images, one thread each."""
import os
from pathlib import Path

from .share import config_file

THREADS = {'OMP_NUM_THREADS': '1', 'LP_NUM_THREADS': '1', 'MUJOCO_GL': 'egl', 'PYTHONUNBUFFERED': '1'}
"""One thread for torch and for the software renderer; a renderer that needs no screen."""

PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
"""Variables that name a profile of Fast DDS: today's, and that of Jazzy and earlier, of which later ones warn."""

ONE_HOST = 'fastdds_one_host.xml'
"""Fast DDS on the loopback interface, with shared memory for pictures."""

ONE_HOST_UDP = 'fastdds_one_host_udp.xml'
"""The same without shared memory; the two find each other."""


def without_shared_memory(environment):
    """The variables to change for a process that is to send and receive by UDP alone.

    Processes that share memory can harm each other when one of them is killed: it may leave a lock that the others wait for
    as they write (up to a second), and a queue that they go on filling while its successor listens to another, so that a
    node that was started again hears nothing (Fast DDS 3.2.3, ``SharedMemGlobal::open_port_internal``; eProsima/Fast-DDS
    pull requests 4728 and 4737, issue 5469). Only pictures are worth that.

    Args:
        environment: variables of the process; a Fast DDS profile other than ``ONE_HOST`` is somebody's choice and stays.
    """
    named = {name: environment[name] for name in PROFILES if environment.get(name)}
    if not named:
        return {} if 'FASTDDS_BUILTIN_TRANSPORTS' in environment else {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}
    return {name: str(config_file(ONE_HOST_UDP)) for name, path in named.items() if Path(path).name == ONE_HOST}


def ros_environment(domain=None):
    """Environment variables for node processes on this host alone.

    Args:
        domain: ROS domain id, or None to keep the caller's.

    Values that the caller has set are kept. The discovery range stays at its system default because the shipped
    Fast DDS profile itself is limited to the loopback interface.
    """
    environment = dict(os.environ)
    profile = str(config_file(ONE_HOST))
    old = environment.get('ROS_DISTRO') in ('humble', 'iron', 'jazzy')
    one_host = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SYSTEM_DEFAULT',
                PROFILES[old]: profile}
    for name, value in {**THREADS, **one_host}.items():
        environment.setdefault(name, value)
    if domain is not None:
        environment['ROS_DOMAIN_ID'] = str(domain)
    return environment
