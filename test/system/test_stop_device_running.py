"""A pedal behind a joystick driver, as a required stop source: press, release, silence, stuck, return."""
import os
import signal
import threading
import time

import pytest
from graph_probe import wait
from sensor_msgs.msg import Joy
from supervisor_rig import Rig

from cosmos_policy_ros.bringup.graph import GraphOptions, NodeSpec
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.msg import SafetyStatus


DEVICE = NodeSpec('stop_device_node', (config_file('stop_device.yaml'),), {'silence': 0.5})


class FakePedal:
    """Says what a joystick driver with autorepeat says; a context manager."""

    def __init__(self, probe):
        self.down = self.mute = False
        self._publisher = probe.publisher(Joy, '/joy')
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name='pedal', daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _work(self):
        while not self._ended.wait(0.02):
            if not self.mute:
                message = Joy(buttons=[int(self.down)])
                message.header.stamp.sec, message.header.stamp.nanosec = divmod(time.monotonic_ns(), 10 ** 9)
                self._publisher.publish(message)


@pytest.fixture(scope='module')
def rig_process(probe, domain, running, tmp_path_factory):
    shipped = config_file('safety.yaml').read_text()
    path = tmp_path_factory.mktemp('cell') / 'cell.yaml'
    path.write_text(shipped.replace('stop_sources: [operator]', 'stop_sources: [operator, pedal]'))
    assert path.read_text() != shipped
    with running('sim_node', 'supervisor_node', options=GraphOptions(safety=str(path))) as processes, \
            FakePedal(probe) as pedal, Rig(probe, domain, processes) as rig:
        processes.start([DEVICE])
        rig.pedal = pedal
        yield rig


@pytest.fixture
def rig(rig_process):
    rig_process.calm()
    return rig_process


def stopped(rig, cause):
    rig.until(SafetyStatus.ESTOPPED)
    assert (cause, 'pedal') in {(found.id, found.source) for found in rig.watch.status.causes}


def released(rig):
    wait(lambda: not rig.watch.status.blockers, lambda: rig.watch.status.blockers)
    assert rig.station.reset().accepted
    rig.until(SafetyStatus.READY)


def test_press_and_release(rig):
    rig.moving()
    rig.pedal.down = True
    stopped(rig, 'stop_pressed')
    wait(rig.watch.at_rest, 'arms at rest')
    assert any('pedal' in blocker for blocker in rig.watch.status.blockers)
    rig.pedal.down = False
    released(rig)


def test_silence_counts_as_pressed_until_the_device_returns(rig):
    rig.moving()
    rig.pedal.mute = True
    stopped(rig, 'stop_source_lost')
    assert not rig.station.reset().accepted
    rig.pedal.mute = False
    released(rig)


def test_a_stuck_pedal_keeps_the_arms_from_being_armed(rig):
    rig.pedal.down = True
    stopped(rig, 'stop_pressed')
    assert not rig.station.reset().accepted and not rig.station.arm('teleop').accepted
    rig.pedal.down = False
    released(rig)


def test_the_node_ends_and_is_missed(rig):
    rig.moving()
    os.kill(rig.processes.pid('stop_device_node'), signal.SIGKILL)
    stopped(rig, 'stop_source_lost')
    rig.processes.start([DEVICE])
    released(rig)
