"""A camera that is missing, wrong or lost: a clear sentence, no chunk, no motion."""
import pytest
from command_process import FULL_CAMERAS
from graph_probe import wait
from sensor_msgs.msg import CameraInfo, Image

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.msg import ActionChunk, SafetyStatus
from cosmos_policy_ros.nodes.station import Station
from cosmos_policy_ros.rollouts.topics import CHUNK, SAFETY_STATUS, RobotTopics

HIGH = RobotTopics().images[2]
BEHIND = '/behind_the_relay/image_rect_raw'


def as_it_is(image):
    return image


def smaller(image):
    return Image(header=image.header, height=240, width=320, encoding='rgb8', step=960, data=image.data[:240 * 960])


def grey(image):
    return Image(header=image.header, height=480, width=640, encoding='mono8', step=640, data=image.data[:480 * 640])


def cut(image):
    return Image(header=image.header, height=480, width=640, encoding='rgb8', step=1920, data=image.data[:1000])


class Cell:
    """Simulator, supervisor and policy; ``relay`` changes each picture of the overhead camera, None holds it back."""

    def __init__(self, probe, processes, station):
        self.processes, self.station, self.relay, self._sent = processes, station, None, 0
        self.statuses = probe.record(SafetyStatus, SAFETY_STATUS, 20)
        self.chunks = probe.record(ActionChunk, CHUNK, 20)
        self._image = probe.publisher(Image, HIGH)
        self._info = probe.publisher(CameraInfo, HIGH.replace('image_rect_raw', 'camera_info'))
        probe.listen(Image, BEHIND, self._pass)

    def _pass(self, image):
        relay = self.relay
        if relay is not None:
            self._image.publish(relay(image))
            self._info.publish(CameraInfo(header=image.header))
            self._sent += 1

    @property
    def status(self):
        return self.statuses[-1]

    def until(self, condition):
        """Wait for a condition on the last status."""
        wait(lambda: self.statuses and condition(self.status), lambda: self.statuses and self.status)

    def arm(self):
        """Give the arms to the policy; returns the chunks it makes of three seconds of pictures."""
        before, sent = len(self.chunks), self._sent
        self.until(lambda status: not status.blockers)
        assert self.station.arm('policy').accepted
        wait(lambda: self._sent >= sent + 75 or len(self.chunks) > before, 'pictures')
        return self.chunks[before:]

    def said(self):
        """The policy's log."""
        return self.processes.log('policy_node').read_text()


@pytest.fixture(scope='module')
def started(probe, running):
    nodes = 'sim_node', 'supervisor_node', 'policy_node'
    changes = {'cam_high_topic': BEHIND, 'patience': 1.0}
    with running(*nodes, options=GraphOptions(cameras=FULL_CAMERAS), sim_node=changes) as processes, \
            Station('operator') as station:
        cell = Cell(probe, processes, station)
        wait(lambda: 'ready' in cell.said(), cell.said)
        yield cell


@pytest.fixture
def cell(started):
    """Disarmed, the camera held back, no stop latched."""
    started.until(lambda status: status.state != SafetyStatus.BOOT)
    if started.status.state == SafetyStatus.PROTECTIVE_STOP:
        started.relay = as_it_is
        wait(lambda: started.station.reset().accepted, lambda: started.status.blockers)
    assert started.station.arm('').accepted
    started.relay = None
    started.statuses.clear()
    started.until(lambda status: any('camera cam_high' in blocker for blocker in status.blockers))
    yield started


def test_without_a_camera_the_policy_is_not_armed(cell):
    reply = cell.station.arm('policy')
    assert not reply.accepted and any('camera cam_high' in blocker for blocker in reply.blockers)
    assert not cell.status.armed


@pytest.mark.parametrize('relay, sentence', [
    (smaller, 'images of 320x240, expected 640x480; set the camera'),
    (grey, "encoding 'mono8'; set the camera to rgb8"),
    (cut, '1000 bytes for 640x480'),
])
def test_pictures_of_the_wrong_kind_are_named_and_make_no_chunk(cell, relay, sentence):
    cell.relay = relay
    assert cell.arm() == []
    assert f'{HIGH}: {sentence}' in cell.said() and 'no chunk: ' in cell.said()
    assert cell.status.state == SafetyStatus.HELD and cell.status.rows_accepted == 0 and 'Traceback' not in cell.said()


def test_a_camera_lost_while_running_stops_the_arms(cell):
    cell.relay = as_it_is
    assert cell.arm()
    cell.until(lambda status: status.state == SafetyStatus.RUNNING)
    cell.relay = None
    cell.until(lambda status: status.state == SafetyStatus.PROTECTIVE_STOP)
    assert {cause.id for cause in cell.status.causes} == {'camera_stale'}
    assert 'cam_high' in cell.status.causes[0].text and not cell.status.armed
