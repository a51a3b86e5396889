"""A background node leaves the graph when it is closed, not when the garbage collector comes by."""
import gc

import pytest
from graph_probe import wait
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String
from std_srvs.srv import Trigger

from cosmos_policy_ros.nodes.background import BackgroundNode
from cosmos_policy_ros.nodes.running import StreamExecutor


@pytest.mark.parametrize('executor', dict.fromkeys((SingleThreadedExecutor, StreamExecutor)))
def test_nothing_of_a_closed_node_is_left_in_the_graph(probe, domain, executor):
    gc.disable()
    try:
        with BackgroundNode('guest', domain, executor) as guest:
            publisher = guest.node.create_publisher(String, '/of_the_guest', 10)
            wait(lambda: probe.node.get_publishers_info_by_topic('/of_the_guest'), 'discovery')
        wait(lambda: not probe.node.get_publishers_info_by_topic('/of_the_guest'), lambda: f'{publisher} is still there', 10.0)
        wait(lambda: 'guest' not in probe.node.get_node_names(), probe.node.get_node_names, 10.0)
    finally:
        gc.enable()


def test_a_question_without_an_answer_ends(domain):
    """Whether nobody serves it, or whoever does is stuck."""
    with BackgroundNode('asking', domain) as asking:
        client = asking.node.create_client(Trigger, '/of_nobody')
        assert asking.ask(client, Trigger.Request(), 0.2) is None
        stuck = BackgroundNode('stuck', domain)  # never spins
        stuck.node.create_service(Trigger, '/of_nobody', lambda _, response: response)
        seen = []
        assert asking.ask(client, Trigger.Request(), 5.0, 1.0, lambda: seen.append(client.service_is_ready())) is None
        assert seen and all(seen)
        stuck.close()
        stuck.close()
