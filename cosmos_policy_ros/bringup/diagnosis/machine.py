"""This computer: Python, network, processes, disk, USB, rights."""
from ..environment import PROFILES
from .check import Check, Fault

SHARED_MEMORY = 512 << 20
"""Bytes of /dev/shm that a graph needs: three cameras and the policy send pictures, from a segment of 128 MB each."""

FAST_DDS = ('', 'rmw_fastrtps_cpp', 'rmw_fastrtps_dynamic_cpp')
USB3 = 5000
NUMPY_ABI = ('numpy.core.multiarray', 'numpy._core.multiarray', '_ARRAY_API', 'compiled using NumPy',
             'numpy.dtype size changed')
"""Words of the errors that an extension gives that was built against another numpy."""

LINKS = ('ttyDXL_follower_left', 'ttyDXL_follower_right')


def python(findings):
    version = findings.machine.python
    if (3, 10) <= tuple(version[:2]) <= (3, 13):
        return []
    return [Fault(f'Python {".".join(map(str, version))}')]


def _about_numpy(reason):
    return any(mark in reason for mark in NUMPY_ABI)


def imports(findings):
    return [Fault(f'{name} cannot be imported: {reason}', {'module': name})
            for name, reason in findings.machine.imports.items() if reason and not _about_numpy(reason)]


def numpy_abi(findings):
    return [Fault(f'{name} was built against another numpy: {reason}', {'module': name})
            for name, reason in findings.machine.imports.items() if _about_numpy(reason)]


def rendering(findings):
    if not findings.machine.rendering:
        return []
    return [Fault(findings.machine.rendering)]


def disk(findings):
    free, kept = findings.machine.disk_free, findings.expected.disk_kept
    if free >= kept:
        return []
    return [Fault(f'{free / 1e9:.2f} GB free where episodes go; the recorder keeps {kept / 1e9:g} GB free')]


def shared_memory(findings):
    free = findings.machine.shared_memory_free
    return [] if free >= SHARED_MEMORY else [Fault(f'{free >> 20} MB free in /dev/shm')]


def _robot(findings):
    """Processes of robot and graph in the domain that is looked at."""
    return [process for process in findings.machine.processes if process.domain == findings.expected.domain]


def other_domain(findings):
    """Something runs, in another domain, while in this one there is no robot."""
    if findings.graph is None:
        return None
    if any(arm.heard or findings.graph.at(f'{arm.namespace}/joint_states') for arm in findings.arms):
        return []
    others = {}
    for process in findings.machine.processes:
        if process.domain != findings.expected.domain:
            others.setdefault(process.domain, []).append(process.name)
    here = findings.expected.domain
    return [Fault(f'no robot in ROS domain {here}, but {", ".join(sorted(set(names)))} in domain {domain}',
                  {'domain': domain}) for domain, names in others.items()]


def discovery(findings):
    shut = [process for process in _robot(findings)
            if process.environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE') == 'OFF']
    mine = findings.machine.environment
    faults = [Fault(f'{process.name} (process {process.pid}) runs with ROS_AUTOMATIC_DISCOVERY_RANGE=OFF: nobody finds it')
              for process in shut]
    if mine.get('ROS_AUTOMATIC_DISCOVERY_RANGE') == 'OFF':
        faults.append(Fault('ROS_AUTOMATIC_DISCOVERY_RANGE is OFF in this terminal: it finds nobody'))
    return faults


def middleware(findings):
    faults = [Fault(f'{process.name} (process {process.pid}) runs with {process.environment["RMW_IMPLEMENTATION"]}',
                    {'name': process.name}) for process in _robot(findings)
              if process.environment.get('RMW_IMPLEMENTATION', '') not in FAST_DDS]
    mine = findings.machine.environment.get('RMW_IMPLEMENTATION', '')
    return faults + ([] if mine in FAST_DDS else [Fault(f'RMW_IMPLEMENTATION is {mine} in this terminal', {'name': 'it'})])


def profile(findings):
    """Nodes of ours on raw pictures without a Fast DDS profile: its shared memory holds half a picture then."""
    faults = [Fault(f'the Fast DDS profile {path} is no file', {'path': path}) for path in findings.machine.missing_files]
    bare = [process.name for process in _robot(findings) if process.name in ('policy_node', 'recorder_node')
            and not any(process.environment.get(name) for name in PROFILES)]
    if bare and findings.expected.transport == 'raw':
        faults.append(Fault(f'{", ".join(bare)} without a Fast DDS profile: the default segment of shared memory is '
                            'smaller than a raw picture', {'path': 'config/fastdds_one_host.xml'}))
    return faults


def stale_processes(findings):
    if findings.graph is None:
        return None
    newest, faults = {}, []
    for process in sorted(_robot(findings), key=lambda process: -process.started):
        if not process.name.endswith('_node') or process.name == 'realsense2_camera_node':
            continue
        if process.name in newest:
            faults.append(Fault(f'{process.name} runs twice in this domain; process {process.pid} is of an earlier run',
                                {'pid': process.pid}))
        newest.setdefault(process.name, process)
    return faults


def latency_timer(findings):
    return [Fault(f'the serial adapter {device} waits {milliseconds} ms before it passes bytes on', {'device': device})
            for device, milliseconds in findings.machine.latency_timers.items() if milliseconds > 1]


def serial_links(findings):
    if not findings.machine.latency_timers:
        return None
    missing = [name for name in LINKS if name not in findings.machine.serial_links]
    return [Fault(f'serial adapters are plugged in, but /dev/{", /dev/".join(missing)} is missing')] if missing else []


def serial_rights(findings):
    return [Fault(f'{port} may not be opened by this user', {'port': port}) for port in findings.machine.forbidden_ports]


def usb(findings):
    return [Fault(f'the camera {camera} is connected at {speed:g} Mbit/s, USB 3 has {USB3}', {'camera': camera})
            for camera, speed in findings.machine.usb_speeds.items() if speed < USB3]


def realtime(findings):
    if findings.graph is None or not findings.graph.parameters:
        return None
    wanted = {node: parameters.get('realtime_priority', 0) for node, parameters in findings.graph.parameters.items()}
    limit = findings.machine.priority_limit
    return [Fault(f'{node} asks for the real-time priority {priority}, this user may have {limit}', {'priority': priority})
            for node, priority in wanted.items() if priority > limit]


def latch_file(findings):
    return [Fault(findings.machine.unwritable)] if findings.machine.unwritable else []


def safety_file(findings):
    return [Fault(findings.expected.safety_problem)] if findings.expected.safety_problem else []


REINSTALL = 'run "make setup" in the checkout, or source the ROS 2 workspace: source install/setup.bash'
CHECKS = (
    Check('python', 'Nothing starts.', python, 'use Python 3.10 to 3.13: make PYTHON=python3.12 setup'),
    Check('imports', 'A command ends with ImportError.', imports, REINSTALL),
    Check('numpy_abi', 'Messages cannot be imported: "numpy.core.multiarray failed to import".', numpy_abi,
          'pip install "numpy<2" for the Python that ROS uses, and infer in another process: cosmos-policy-ros serve there, '
          'server:=http://localhost:8777 here'),
    Check('rendering', 'The simulated cameras cannot be drawn.', rendering,
          'apt-get install libegl1 libgl1 libgl1-mesa-dri   (or: libosmesa6, with MUJOCO_GL=osmesa)'),
    Check('disk', 'Recording is refused.', disk, 'make space, record elsewhere with --output, or lower minimum_free_gb'),
    Check('shared_memory', 'Nodes in a container do not find each other, or pictures stop.', shared_memory,
          'remove segments of dead processes: rm /dev/shm/fastrtps_* /dev/shm/fastdds_* when nothing runs; a container '
          'needs --shm-size=1g'),
    Check('domain', '"ros2 topic list" is nearly empty.', other_domain,
          'export ROS_DOMAIN_ID={domain}, or give --domain {domain}'),
    Check('discovery', 'Nodes run but do not see each other.', discovery,
          'export ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET (one computer: LOCALHOST) in every terminal, start again'),
    Check('middleware', 'Pictures stutter; services sometimes do not answer.', middleware,
          'export RMW_IMPLEMENTATION=rmw_fastrtps_cpp in every terminal, then start {name} again'),
    Check('dds_profile', 'Pictures stutter or are lost on one computer.', profile,
          'export FASTDDS_DEFAULT_PROFILES_FILE and, up to Jazzy, FASTRTPS_DEFAULT_PROFILES_FILE to the full path of '
          'config/fastdds_one_host.xml (now: {path}), start again'),
    Check('stale_process', 'A graph does not start, or two of them fight.', stale_processes, 'kill -INT {pid}'),
    Check('latency_timer', 'Joint states come at far less than 100 Hz.', latency_timer,
          'echo 1 | sudo tee /sys/bus/usb-serial/devices/{device}/latency_timer; for good: install '
          '99-interbotix-udev.rules, then sudo udevadm control --reload && sudo udevadm trigger'),
    Check('serial_links', 'xs_sdk does not find its port.', serial_links,
          'write the serial number of each adapter into 99-fixed-interbotix-udev.rules, then sudo udevadm control --reload '
          '&& sudo udevadm trigger'),
    Check('serial_rights', 'xs_sdk may not open its port.', serial_rights,
          'sudo usermod -aG dialout $USER, then log in again'),
    Check('usb_speed', 'A RealSense camera is slow or falls back to another size.', usb,
          'plug {camera} into a USB 3 port (blue), with its own cable, no hub'),
    Check('realtime', 'The supervisor says that it did not get its priority.', realtime,
          'echo "$USER - rtprio {priority}" | sudo tee /etc/security/limits.d/90-cosmos.conf, then log in again'),
    Check('latch_file', 'The supervisor says that its latch is not kept.', latch_file,
          'make the file writable, or set latch_file to one that is'),
    Check('safety_file', 'The supervisor does not start.', safety_file, 'mend config/safety.yaml as the message says'),
)
