"""The doctor on a robot of other names, whose wrist cameras are swapped and send JPEG, while one arm moves."""
import math

import pytest
import yaml
from graph_probe import wait
from interbotix_xs_msgs.msg import JointGroupCommand
from sensor_msgs.msg import JointState

from cosmos_policy_ros.bringup.diagnosis.catalogue import AREAS
from cosmos_policy_ros.bringup.diagnosis.check import examine
from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.cli import snapshot

LEFT, RIGHT = (f'/cam_{side}_wrist/camera/color/image_rect_raw' for side in ('left', 'right'))
SMALL = {'image_width': 320, 'image_height': 240, 'camera_transport': 'compressed'}


class Swing:
    """Swings the left arm around where it stood, by its own joint states."""

    def __init__(self, probe, arm):
        self._publisher = probe.publisher(JointGroupCommand, f'{arm}/commands/joint_group')
        self._start, self._count = None, 0
        probe.listen(JointState, f'{arm}/joint_states', self._step)

    def _step(self, message):
        self._start = self._start or list(message.position[:6])
        self._count += 1
        if self._count % 4 == 0:
            goal = list(self._start)
            goal[0] += 0.3 * math.sin(0.04 * self._count)
            goal[5] += 0.5 * math.sin(0.05 * self._count)
            self._publisher.publish(JointGroupCommand(name='arm', cmd=goal))


@pytest.fixture(scope='module')
def robot(running, probe):
    """A simulated robot alone, with the left arm swinging."""
    parameters = {'arm_left': 'puppet_left', 'arm_right': 'puppet_right', 'cam_left_wrist_topic': RIGHT,
                  'cam_right_wrist_topic': LEFT, **SMALL}
    with running('sim_node', sim_node=parameters) as processes:
        wait(lambda: 'ready' in processes.log('sim_node').read_text(), 'the simulator')
        swing = Swing(probe, '/puppet_left')
        wait(lambda: swing._count > 100, 'joint states')
        yield processes


@pytest.fixture
def look(robot, domain, monkeypatch):
    """look(options): {check: [(sentence, fix)]} of what the doctor finds."""
    monkeypatch.setattr(snapshot, 'check_rendering', lambda: None)
    monkeypatch.setattr(snapshot, 'MODULES', ('numpy', 'rclpy'))  # the network is not looked at here

    def take(options):
        findings = snapshot.Snapshot(options, 'robot', domain, 2.0, one_host=True).take()
        return {verdict.check: verdict.found for verdict in examine(findings, AREAS) if verdict.wrong}
    return take


def options(**chosen):
    """A server infers, so that no checkpoint is read; nobody is there."""
    return GraphOptions(server='http://localhost:8777', **chosen)


def test_swapped_wrist_cameras_are_found_by_which_pictures_move(look, tmp_path):
    cameras = yaml.safe_load(config_file('cameras_realsense.yaml').read_text())
    cameras['/**']['ros__parameters'] |= SMALL
    (tmp_path / 'mine.yaml').write_text(yaml.safe_dump(cameras))
    found = look(options(robot='ros1_names', cameras=str(tmp_path / 'mine.yaml')))
    # The second: this test moves the arm.
    assert set(found) == {'wrist_cameras_swapped', 'second_commander', 'server'}
    (_, fix), = found['wrist_cameras_swapped']
    assert f'cam_left_wrist_topic: {RIGHT} and cam_right_wrist_topic: {LEFT}' in fix


def test_wrong_names_and_a_wrong_size_are_found_with_what_is_there(look):
    found = look(options(robot='interbotix_main', cameras='usb_cam'))
    assert 'set arm_left: puppet_left' in found['arm_namespace'][0][1]
    assert len(found['arm_namespace']) == 2 and 'arm_driver' not in found
    assert f'set cam_left_wrist_topic: {LEFT}' in ' '.join(fix for _, fix in found['camera_topic'])
    size = look(options(robot='ros1_names', cameras='realsense'))['camera_size']
    assert '320x240, expected 640x480' in size[0][0]
