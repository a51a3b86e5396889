"""Reads this computer for the doctor; writes nothing. Every path is below an injectable root."""
import os
import resource
import shutil
import sys
from pathlib import Path

from .diagnosis.findings import Machine, Process

ROS_PREFIXES = ('ROS_', 'RMW_', 'FASTDDS_', 'FASTRTPS_')
DRIVERS = ('xs_sdk', 'realsense2_camera_node', 'usb_cam_node_exe', 'v4l2_camera_node')
"""Executables of the robot's own nodes."""

TIME_SERVICES = ('chronyd', 'ntpd', 'systemd-timesyncd', 'systemd-timesyn', 'ptp4l', 'phc2sys')
"""Names as in /proc/PID/comm, which cuts them after 15 characters."""

MODULES = 'cosmos_policy_ros.nodes.'
REALSENSE = '8086'
"""USB vendor of RealSense cameras."""


def ros_variables(environment):
    """{name: value} of the variables that ROS and its middleware read."""
    return {name: value for name, value in environment.items() if name.startswith(ROS_PREFIXES)}


def _text(path):
    try:
        return path.read_text(errors='replace').strip()
    except OSError:
        return ''


def _number(path, default=0):
    text = _text(path)
    return float(text) if text.replace('.', '', 1).isdigit() else default


def node_name(arguments):
    """Name of the node executable that a command line runs, '' for anything else."""
    for i, argument in enumerate(arguments[:3]):
        base = os.path.basename(argument)
        if base in DRIVERS and i < 2:
            return base
        if base.endswith('_node') and '/cosmos_policy_ros/' in argument:
            return base
        if argument == '-m' and arguments[i + 1:] and arguments[i + 1].startswith(MODULES):
            return arguments[i + 1].removeprefix(MODULES)
    return ''


def processes(root=Path('/')):
    """``Process`` of every node of this package and of the robot's drivers that this user may look at."""
    found = []
    for folder in (root / 'proc').iterdir():
        if not folder.name.isdigit():
            continue
        try:
            arguments = (folder / 'cmdline').read_bytes().decode(errors='replace').split('\0')
            name = node_name(arguments)
            if not name:
                continue
            entries = (folder / 'environ').read_bytes().decode(errors='replace').split('\0')
            pairs = (entry.partition('=') for entry in entries)
            state = (folder / 'stat').read_text().rpartition(')')[2].split()
            if state[0] != 'Z':
                found.append(Process(int(folder.name), name, int(state[19]) / os.sysconf('SC_CLK_TCK'),
                                     ros_variables({key: value for key, _, value in pairs})))
        except OSError:  # gone meanwhile, or of another user
            pass
    return tuple(sorted(found, key=lambda process: process.pid))


def latency_timers(root=Path('/')):
    """{serial adapter: ms} of every USB serial adapter that has a latency timer."""
    return {path.parent.name: _number(path) for path in
            sorted((root / 'sys/bus/usb-serial/devices').glob('*/latency_timer'))}


def usb_speeds(root=Path('/')):
    """{name and serial number: Mbit/s} of the RealSense cameras."""
    speeds = {}
    for vendor in sorted((root / 'sys/bus/usb/devices').glob('*/idVendor')):
        folder = vendor.parent
        if _text(vendor) == REALSENSE and 'realsense' in _text(folder / 'product').lower():
            speeds[f'{_text(folder / "product")} {_text(folder / "serial")}'.strip()] = _number(folder / 'speed')
    return speeds


def time_services(root=Path('/')):
    """Names of the running programs that keep the clock."""
    names = {_text(path) for path in (root / 'proc').glob('[0-9]*/comm')}
    return tuple(sorted(names.intersection(TIME_SERVICES)))


def why_unwritable(path):
    """Why a file cannot be written, '' if it can; tells without touching it."""
    path = Path(path)
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    if place == path and not path.is_file():
        return f'{path} is no file'
    if not os.access(place, os.W_OK):
        return f'{path} cannot be written: {place} belongs to somebody else or is read-only'
    return ''


def _priority_limit():
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    return 99 if os.geteuid() == 0 or limit == resource.RLIM_INFINITY else limit


def read_machine(environment, output, imports, latch_file='', rendering='', root=Path('/')):
    """The ``Machine``.

    Args:
        environment: of the terminal. output: folder of the episodes; what exists of it is looked at. imports: {module: why
        it cannot be imported}. latch_file: full path, '' for none. rendering: why nothing can be drawn.
    """
    output = Path(output).expanduser().absolute()
    while not output.exists():
        output = output.parent
    running = processes(root)
    named = {value for variables in (environment, *(process.environment for process in running))
             for name, value in variables.items() if name.endswith('_DEFAULT_PROFILES_FILE') and value}
    ports = sorted((root / 'dev').glob('ttyDXL*'))
    shm = root / 'dev/shm'
    return Machine(
        python=sys.version_info[:3], imports=imports, disk_free=shutil.disk_usage(output).free,
        shared_memory_free=shutil.disk_usage(shm).free if shm.is_dir() else 0, environment=ros_variables(environment),
        processes=running, latency_timers=latency_timers(root), serial_links=tuple(port.name for port in ports),
        forbidden_ports=tuple(str(port) for port in ports if not os.access(port, os.R_OK | os.W_OK)),
        usb_speeds=usb_speeds(root), priority_limit=_priority_limit(),
        receive_buffer=int(_number(root / 'proc/sys/net/core/rmem_max')), time_services=time_services(root),
        missing_files=tuple(sorted(path for path in named if not Path(path).is_file())),
        unwritable=why_unwritable(latch_file) if latch_file else '', rendering=rendering)
