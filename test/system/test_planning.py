"""The planning graph drives the simulated robot with two workers; one is killed in the middle of a query."""
import os
import signal

import numpy as np
import pytest
import yaml
from command_process import MARK, SEED, marked
from graph_probe import PATIENCE, wait

from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.msg import ActionChunk, JointSetpoint, PlanReport, SafetyStatus
from cosmos_policy_ros.nodes.qos import EVENT, LATCHED, ROW
from cosmos_policy_ros.nodes.station import Station

SETTINGS = yaml.safe_load(config_file('planning_tiny.yaml').read_text())['/**']['ros__parameters']
WORKERS = 2
BUDGET = 30.0
"""s; roomy, so that a loaded machine still values every candidate."""


def busy_worker():
    """Process id of a worker that is valuing candidates right now, or None."""
    for pid in marked(os.environ[MARK]):
        try:
            title = open(f'/proc/{pid}/cmdline').read()
        except OSError:
            continue
        if 'PlanWorker.refine' in title:
            return pid
    return None


def seconds(stamp):
    return stamp.sec + 1e-9 * stamp.nanosec


class Planned:
    """What the graph published, and what was there when the worker died."""

    def __init__(self, probe):
        self.reports = probe.record(PlanReport, '/cosmos_policy/plan_report', EVENT)
        self.chunks = probe.record(ActionChunk, '/cosmos_policy/chunk', EVENT)
        self.setpoints = probe.record(JointSetpoint, '/cosmos_policy/setpoint', ROW)
        self.statuses = probe.record(SafetyStatus, '/cosmos_policy/safety_status', LATCHED)

    def state(self):
        return self.statuses[-1].state if self.statuses else None


@pytest.fixture(scope='module')
def planned(probe, running):
    """The records of an armed run in which a worker was killed and came back."""
    options = GraphOptions(mode='planning', workers=WORKERS, seed=SEED)
    with running('sim_node', 'supervisor_node', 'policy_node', options=options,
                 sim_node={'patience': 2 * BUDGET}, policy_node={'budget': BUDGET}) as processes, Station('operator') as station:
        seen = Planned(probe)
        wait(lambda: processes.first_death() or seen.state() == SafetyStatus.READY, 'ready arms', 2 * PATIENCE)
        wait(lambda: processes.first_death() or probe.node.count_publishers('/cosmos_policy/chunk'), 'policy node',
             2 * PATIENCE)
        assert not processes.first_death(), processes.first_death()
        assert station.arm('policy').accepted
        wait(lambda: seen.reports, 'a plan', 2 * PATIENCE)
        victim = wait(busy_worker, 'a worker at work')
        seen.at_the_kill = len(seen.reports)
        os.kill(victim, signal.SIGKILL)
        wait(lambda: any(not report.workers_lost for report in seen.reports[seen.at_the_kill + 1:]),
             lambda: f'the worker back at work: {seen.reports[seen.at_the_kill:]}', 3 * PATIENCE)
        seen.last_state = seen.state()
        assert not processes.first_death()
    return seen


def test_every_chunk_comes_with_its_plan(planned):
    reports = {(r.epoch, r.sequence): r for r in planned.reports}
    assert len(reports) >= 3
    for chunk in planned.chunks[:len(planned.reports)]:
        report = reports[chunk.epoch, chunk.sequence]
        assert report.header.stamp == chunk.header.stamp
        assert chunk.seed in report.seeds or chunk.seed == report.seeds[0] - report.candidates[0]
        assert chunk.planner != 'direct'


def test_all_candidates_are_valued_while_both_workers_live(planned):
    for report in planned.reports[:planned.at_the_kill]:
        assert list(report.candidates) == list(range(SETTINGS['candidates'])) and not report.workers_lost
        assert len(set(report.seeds)) == SETTINGS['candidates']
        assert np.isfinite(report.values).all() and report.chosen == np.argmax(report.values)
        assert report.depth == 1 and not report.fallback


def test_a_killed_worker_costs_its_candidates_and_nothing_else(planned):
    hit = next(report for report in planned.reports[planned.at_the_kill:] if report.workers_lost)
    assert hit.workers_lost == 1
    valued = [number for number, members in zip(hit.candidates, hit.members) if members]
    assert 0 < len(valued) < SETTINGS['candidates'] and hit.chosen in valued
    assert hit.deadline_met and hit.elapsed < BUDGET


def test_the_worker_comes_back(planned):
    assert list(planned.reports[-1].candidates) == list(range(SETTINGS['candidates']))


def test_the_arms_are_never_without_a_row(planned):
    """No pause at all in simulated time, so none longer than the deadline."""
    times = np.array([seconds(setpoint.header.stamp) for setpoint in planned.setpoints])
    assert len(times) > 50 and np.diff(times).max() < 0.05
    assert planned.last_state == SafetyStatus.RUNNING
    assert not any(status.causes for status in planned.statuses if status.state == SafetyStatus.RUNNING)
