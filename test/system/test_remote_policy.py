"""The policy node asks an /act server in another process: it drives, dies, and comes back."""
import os
import signal
import socket
import urllib.request
from urllib.error import URLError

import pytest
from command_process import SEED, Command
from graph_probe import PATIENCE, wait

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.msg import ActionChunk, SafetyStatus
from cosmos_policy_ros.nodes.qos import EVENT, LATCHED
from cosmos_policy_ros.nodes.station import Station


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def ready(url, server):
    """The server answers that it is ready."""
    assert server.process.poll() is None, server.said()
    try:
        return urllib.request.urlopen(f'{url}/health', timeout=5).status == 200
    except (URLError, OSError):
        return False


@pytest.fixture(scope='module')
def driven(probe, running, tmp_path_factory):
    """State and chunks before the server was killed, after it, and after it came back."""
    port = free_port()
    url = f'http://127.0.0.1:{port}'
    chunks = probe.record(ActionChunk, '/cosmos_policy/chunk', EVENT)
    statuses = probe.record(SafetyStatus, '/cosmos_policy/safety_status', LATCHED)
    seen = {}

    def serve():
        return Command('serve', '--port', port, folder=tmp_path_factory.mktemp('serve'))

    def in_state(state):
        return statuses and statuses[-1].state == state

    def came(count, station):
        """Whether so many chunks came; armed anew where a loaded machine was late."""
        if in_state(SafetyStatus.HELD) and statuses[-1].causes:
            station.arm('policy')
        return len(chunks) >= count

    options = GraphOptions(seed=SEED, server=url)
    with serve() as server:
        wait(lambda: ready(url, server), server.said, 2 * PATIENCE)
        with running('sim_node', 'supervisor_node', 'policy_node', options=options,
                     sim_node={'patience': 6.0}) as processes, Station('operator') as station:
            wait(lambda: processes.first_death() or in_state(SafetyStatus.READY), 'ready arms')
            wait(lambda: processes.first_death() or probe.node.count_publishers('/cosmos_policy/chunk'), 'policy node')
            assert not processes.first_death(), processes.first_death()
            assert station.arm('policy').accepted
            wait(lambda: came(3, station), 'three chunks')
            seen['driven'] = list(chunks)
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            wait(lambda: in_state(SafetyStatus.HELD), lambda: statuses[-1])
            seen['causes'] = [cause.id for cause in statuses[-1].causes]
            with serve() as again:
                wait(lambda: ready(url, again), again.said, 2 * PATIENCE)
                before = len(chunks)
                wait(lambda: station.arm('policy').accepted, lambda: statuses[-1].blockers)
                wait(lambda: came(before + 2, station), 'chunks of the second server')
                seen['again'] = chunks[before:]
                wait(lambda: in_state(SafetyStatus.RUNNING), lambda: statuses[-1])
                assert not processes.first_death(), processes.first_death()
    return seen


def test_a_server_drives_the_arms(driven):
    for chunk in driven['driven']:
        assert 0 <= chunk.value <= 1 and len(chunk.trajectory.points) == 50
        assert 'total' in chunk.latency_stages


def test_a_dead_server_brakes_the_arms_and_is_named(driven):
    assert driven['causes'] == ['policy_starved']


def test_the_node_lives_on_and_drives_again_when_the_server_is_back(driven):
    assert all(chunk.epoch > driven['driven'][-1].epoch for chunk in driven['again'])
