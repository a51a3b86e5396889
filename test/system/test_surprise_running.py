"""The surprise monitor in the running graph: told where nothing is done, and its strongest answer where everything surprises."""
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from arm_commands import ArmWatch
from command_process import SEED
from graph_probe import wait

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.control.surprise import PHASES, Thresholds
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.nodes.qos import DRIVER
from cosmos_policy_ros.nodes.station import Station

ARMS = 'left arm', 'right arm'


def test_it_looks_tells_and_holds_the_arms(probe, running, tmp_path):
    """Pictures may be anything, arms nothing but exactly where they are asked to be: the first motion is a surprise."""
    path = tmp_path / 'surprise.json'
    Thresholds({**{arm: (1e-6,) * PHASES for arm in ARMS}, **{camera: (1e6,) * PHASES for camera in CAMERAS}}, 1.0).save(path)
    told = probe.record(DiagnosticArray, '/diagnostics', DRIVER)
    with running('sim_node', 'supervisor_node', 'policy_node', options=GraphOptions(seed=SEED),
                 policy_node={'surprise': 'hold', 'surprise_thresholds': str(path)}) as processes, Station('operator') as station:
        watch = ArmWatch(probe)
        wait(lambda: watch.status and watch.status.state == SafetyStatus.READY, lambda: watch.status)
        wait(lambda: probe.node.count_publishers('/cosmos_policy/chunk'), 'policy node')
        assert station.arm('policy').accepted
        wait(lambda: watch.status.state == SafetyStatus.HELD and 'policy_starved' in watch.causes(), lambda: watch.status)
        assert not processes.first_death(), processes.first_death()
    said = [status for message in told for status in message.status if status.name == 'cosmos_policy policy: surprise']
    assert said[-1].level == DiagnosticStatus.WARN and said[-1].message.endswith('response: hold')
    assert any(arm in said[-1].message for arm in ARMS)
