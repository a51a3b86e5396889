"""What surrounds the supervisor's loop in its process: disk and log, processor, publishers, view of the envelope."""
import os
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.nodes.backstage import LINES_KEPT, Backstage
from cosmos_policy_ros.nodes.markers import GREEN, NEAR, RED, YELLOW, colour, spare_room
from cosmos_policy_ros.nodes.publishers import NAMING, UNKNOWN, PublisherWatch
from cosmos_policy_ros.nodes.realtime import RecentDurations, claim_processor
from cosmos_policy_ros.nodes.running import StartupError
from cosmos_policy_ros.nodes.supervisor_node import latch_path
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.latch import LatchFile, LatchRecord

PATIENCE = 20.0


def wait(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.setattr('cosmos_policy_ros.nodes.backstage.LOOK_PERIOD', 0.01)
    (tmp_path / 'safety.yaml').write_text(config_file('safety.yaml').read_text())
    digest, lines = load_config(tmp_path / 'safety.yaml').digest, []
    stage = Backstage(LatchFile(tmp_path / 'state' / 'latch'), tmp_path / 'safety.yaml', digest, lines.append)
    stage.lines, stage.folder, stage.first_digest = lines, tmp_path, digest
    yield stage
    stage.close()


def test_a_disk_that_refuses_is_told_and_tried_again(stage):
    stage.keep(LatchRecord(7))
    wait(lambda: 'latch is not kept' in stage.problem)
    (stage.folder / 'state').mkdir()
    stage.keep(LatchRecord(8))
    wait(lambda: not stage.problem)
    assert LatchFile(stage.folder / 'state' / 'latch').read(0.0).event_id == 8


def test_what_comes_while_a_line_is_written_is_kept_too(tmp_path):
    begun, go_on, lines = threading.Event(), threading.Event(), []

    def slow(line):
        begun.set()
        go_on.wait(PATIENCE)
        lines.append(line)
    latch = LatchFile(tmp_path / 'latch')
    stage = Backstage(latch, tmp_path / 'safety.yaml', '', slow)
    stage.say('a line')
    begun.wait(PATIENCE)
    stage.keep(LatchRecord(3))
    stage.say('the last line')
    threading.Timer(0.1, go_on.set).start()
    stage.close()
    assert latch.read(0.0).event_id == 3 and lines == ['a line', 'the last line']


def test_the_last_record_and_line_are_written_before_the_end(stage):
    (stage.folder / 'state').mkdir()
    for event in range(1, 6):
        stage.keep(LatchRecord(event))
    stage.say('the end')
    stage.close()
    assert LatchFile(stage.folder / 'state' / 'latch').read(0.0).event_id == 5 and stage.lines[-1] == 'the end'


def test_a_changed_configuration_file_is_noticed_and_one_put_back_too(stage):
    file, text = stage.folder / 'safety.yaml', config_file('safety.yaml').read_text()
    file.write_text(text.replace('slow_scale: 0.5', 'slow_scale: 0.25'))
    wait(lambda: stage.digest not in ('', stage.first_digest))
    file.write_text('nonsense')
    wait(lambda: stage.digest == '')
    file.write_text(text)
    wait(lambda: stage.digest == stage.first_digest)


def test_a_terminal_that_stands_still_costs_the_caller_nothing_and_little_memory(tmp_path):
    gate, seen = threading.Event(), []
    stage = Backstage(None, tmp_path / 'none', '', lambda line: (gate.wait(), seen.append(line)))
    for number in range(10 * LINES_KEPT):
        stage.say(number)
    gate.set()
    wait(lambda: seen and seen[-1] == 10 * LINES_KEPT - 1)
    assert len(seen) <= LINES_KEPT + 1
    stage.close()


def test_a_processor_that_does_not_exist_is_refused_gently():
    before = os.sched_getaffinity(0)
    refused, = claim_processor(0, 1023)
    assert 'cpu 1023 is refused' in refused and os.sched_getaffinity(0) == before
    assert claim_processor(0, -1) == []


def test_durations_of_long_ago_are_forgotten():
    window = RecentDurations(1000)
    assert window.high() == 0.0
    for duration in [1.0] + [0.001] * 1000:
        window.add(duration)
    assert window.high() == pytest.approx(0.001)
    for _ in range(3):
        window.add(0.5)
    assert window.high() == pytest.approx(0.5, abs=0.01)


def test_the_latch_lies_in_the_users_state_folder_unless_its_path_is_full(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path))
    assert latch_path('latch.json') == tmp_path / 'cosmos_policy_ros' / 'latch.json'
    assert latch_path(str(tmp_path / 'other' / 'x')) == tmp_path / 'other' / 'x' and (tmp_path / 'other').is_dir()
    (tmp_path / 'file').touch()
    with pytest.raises(StartupError, match='latch_file'):
        latch_path(str(tmp_path / 'file' / 'x'))


class Graph:
    """A node as far as ``PublisherWatch`` looks at one."""

    def __init__(self, *names):
        self.names = names

    def get_name(self):
        return 'safety_supervisor'

    def count_publishers(self, _):
        return len(self.names)

    def get_publishers_info_by_topic(self, _):
        return [SimpleNamespace(node_name=name) for name in self.names]

    def create_subscription(self, *_, **__):
        pass


@pytest.mark.parametrize('names, found', [
    (['safety_supervisor'], []), (['safety_supervisor', 'safety_guard'], []),
    (['safety_supervisor', 'teleop'], ['teleop']), (['safety_supervisor', 'safety_guard', 'safety_guard'], ['safety_guard']),
    (['safety_supervisor', 'safety_supervisor'], ['safety_supervisor'])])
def test_one_supervisor_and_one_guard_may_publish(names, found):
    intruders = PublisherWatch(Graph(*names), {'/arm': None}, 'safety_guard', None).intruders()
    assert intruders == [f'{name} on /arm' for name in found]


def test_a_publisher_that_stays_without_a_node_counts():
    """A guard that has just come has no name yet; a program that is no node never gets one."""
    now, graph = 5.0, Graph('safety_supervisor', UNKNOWN)
    watch = PublisherWatch(graph, {'/arm': None}, 'safety_guard', None, clock=lambda: now)
    assert watch.intruders() == []
    now += NAMING - 0.01
    assert watch.intruders() == []
    now += 0.02
    assert watch.intruders() == ['one without a node on /arm']
    graph.names = 'safety_supervisor', 'safety_guard'
    assert watch.intruders() == []
    graph.names = 'safety_supervisor', UNKNOWN
    assert watch.intruders() == [], 'its time begins afresh'


def test_a_capsule_is_red_at_its_margin_and_green_far_from_it():
    assert colour(-0.01) == colour(0.0) == RED and colour(NEAR) == colour(1.0) == GREEN
    assert colour(NEAR / 2) == pytest.approx(YELLOW)


def test_room_of_a_capsule_is_that_of_its_nearest_neighbour():
    around = Envelope(load_config(config_file('safety.yaml'))).surroundings
    distances = around.distances(START[None])[0]
    room = spare_room(distances, around.margins)
    assert room.shape == (2, 10) and room.min() == pytest.approx((distances - around.margins).min())
    assert np.isfinite(room).all()
