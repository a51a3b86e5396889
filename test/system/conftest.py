"""Whole graphs in their own processes and ROS domains; whatever a test starts is ended by a fixture."""
import os
import uuid
from contextlib import contextmanager
from dataclasses import replace

import pytest
from command_process import MARK, SMALL_CAMERAS, marked
from graph_probe import Probe, free_domain

from cosmos_policy_ros.bringup.environment import ros_environment
from cosmos_policy_ros.bringup.graph import GraphOptions, graph
from cosmos_policy_ros.bringup.processes import ProcessGroup


@pytest.fixture(scope='module')
def domain():
    """A ROS domain of its own, in this process's environment too; nothing that carries its mark outlives the tests."""
    mark = uuid.uuid4().hex
    with free_domain() as number, pytest.MonkeyPatch.context() as patch:
        environment = {**ros_environment(number), MARK: mark}
        for name, value in environment.items():
            patch.setenv(name, value)
        yield number
        left = marked(mark)
        for pid in left:
            os.kill(pid, 9)
        assert not left, f'processes left behind: {left}'


@pytest.fixture(scope='module')
def running(domain, tmp_path_factory):
    """running(*executables, **{executable: {parameter: value}}): a context manager of part of the simulated graph.

    Its pictures are small where ``options`` name no cameras: drawing and carrying large ones is half of its work.
    """
    @contextmanager
    def start(*executables, options=GraphOptions(), **parameters):
        folder = tmp_path_factory.mktemp('graph')
        cameras = SMALL_CAMERAS if options.cameras == GraphOptions.cameras else options.cameras
        specs = graph(replace(options, output=str(folder), cameras=cameras), simulated=True)
        chosen = [replace(spec, parameters={**spec.parameters, **parameters.get(spec.executable, {})})
                  for spec in specs if spec.executable in executables]
        with ProcessGroup(ros_environment(domain), folder / 'logs') as processes:
            processes.start(chosen)
            yield processes
    return start


@pytest.fixture(scope='module')
def probe(domain):
    """A ``Probe`` in the module's domain."""
    with Probe(domain) as node:
        yield node
