"""Time: stamps against this machine's clock, simulated time, and the synchronisation of several machines."""
from .check import Check, Fault

AHEAD, AHEAD_OF_SIMULATION, BEHIND = 0.05, 0.2, 0.5
"""s by which a stamp may be ahead of this machine's clock, for which the supervisor finds a clock step from 0.05 s on; ahead
of a simulator's clock, which may be heard after what it stamps; and behind either.
"""


def _streams(findings):
    return [(arm.namespace, arm.age) for arm in findings.arms if arm.heard] + [
        (camera.topic, camera.age) for camera in findings.cameras if camera.heard]


def offset(findings):
    streams = _streams(findings)
    if not streams or findings.graph is None:
        return None
    ahead = AHEAD_OF_SIMULATION if findings.expected.sim else AHEAD
    return [Fault(f'stamps of {name} are {abs(age):.2f} s {"ahead of" if age < 0 else "behind"} this clock',
                  {'name': name}) for name, age in streams if age < -ahead or age > BEHIND]


def two_clocks(findings):
    if findings.graph is None:
        return None
    clocks = findings.graph.at('/clock')
    if len(clocks) < 2:
        return []
    return [Fault(f'{len(clocks)} nodes publish /clock: {", ".join(end.node for end in clocks)}',
                  {'node': clocks[-1].node})]


def sim_time(findings):
    if findings.graph is None or not findings.graph.parameters:
        return None
    follows = {node: bool(parameters['use_sim_time']) for node, parameters in findings.graph.parameters.items()
               if 'use_sim_time' in parameters and node != '/sim'}
    clock = bool(findings.graph.at('/clock'))
    wrong = [node for node, value in follows.items() if value != clock]
    if not wrong:
        return []
    return [Fault(f'{", ".join(wrong)} follow {"their own clock" if clock else "/clock"}, but '
                  f'{"/clock is published" if clock else "nobody publishes it"}', {'value': str(clock).lower()})]


def hosts(findings):
    """Numbers of the computers that arms and cameras are on, and this one."""
    if findings.graph is None:
        return set()
    topics = [f'{arm.namespace}/joint_states' for arm in findings.arms] + [camera.topic for camera in findings.cameras]
    return {end.host for topic in topics for end in findings.graph.at(topic) if end.host} | {findings.graph.host}


def synchronised(findings):
    if findings.graph is None or len(hosts(findings)) < 2:
        return None
    if findings.machine.time_services:
        return []
    return [Fault('robot and policy are on several computers, and nothing keeps the clock of this one')]


def receive_buffer(findings):
    if findings.graph is None or len(hosts(findings)) < 2 or not findings.machine.receive_buffer:
        return None
    if findings.machine.receive_buffer >= 4 << 20:
        return []
    return [Fault(f'pictures come over the network, and a socket may hold {findings.machine.receive_buffer >> 10} KB')]


CHECKS = (
    Check('clock_offset', 'Inputs count as stale although they come.', offset,
          'synchronise the computer that stamps {name} with this one: sudo apt-get install chrony, on both; chronyc '
          'tracking shows the difference'),
    Check('two_clocks', 'Time jumps back and forth.', two_clocks, 'end the simulator or the bag player {node}'),
    Check('sim_time', 'Nodes wait for ever, or find every stamp stale.', sim_time,
          'start all nodes with use_sim_time:={value}; on a robot end what publishes /clock'),
    Check('time_sync', 'Clocks of two computers drift apart.', synchronised,
          'on every computer: sudo apt-get install chrony; one as server of the others'),
    Check('receive_buffer', 'Pictures are lost between two computers.', receive_buffer,
          'sudo sysctl -w net.core.rmem_max=8388608, and for good in /etc/sysctl.d/'),
)
