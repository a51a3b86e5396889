"""Arms whose driver does not take their commands, found over DDS."""
import pytest
from graph_probe import wait
from interbotix_xs_msgs.msg import JointGroupCommand
from sensor_msgs.msg import JointState

from cosmos_policy_ros.nodes.background import BackgroundNode
from cosmos_policy_ros.nodes.drivers import DriverWatch

STATES, COMMANDS = '/follower_left/joint_states', '/follower_left/commands/joint_group'


@pytest.fixture
def supervisor(domain):
    """A node that listens to its own commands, as the supervisor does to find others who send any."""
    background = BackgroundNode('supervisor', domain)
    background.node.create_subscription(JointGroupCommand, COMMANDS, lambda _: None, 1)
    yield background.node
    background.close()


def test_a_driver_has_to_listen_to_the_arm_whose_states_it_publishes(supervisor, probe):
    """Others who listen, a recorder for instance, do not count."""
    watch = DriverWatch(supervisor, {STATES: (COMMANDS,)})
    assert COMMANDS in watch.deaf()[0] and STATES in watch.deaf()[0]
    states = probe.publisher(JointState, STATES)
    wait(lambda: supervisor.count_publishers(STATES) == 1, 'the publisher')
    assert len(watch.deaf()) == 1
    commands = probe.listen(JointGroupCommand, COMMANDS, lambda _: None)
    wait(lambda: not watch.deaf(), watch.deaf)
    probe.forget(states)
    wait(watch.deaf, 'a recorder is no driver')
    probe.forget(commands)
