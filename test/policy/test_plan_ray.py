"""Workers on Ray plan as one process does, and a lost or late one costs its candidates and nothing else."""
import dataclasses
import os
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from plan_fakes import OBSERVATION, TASK, FakeModel
from plan_ray_fakes import FakeFactory

from cosmos_policy_ros.policy.errors import PolicyError, UnknownInstruction
from cosmos_policy_ros.policy.planning.planner import LocalPlanner
from cosmos_policy_ros.policy.planning.ray_workers import RayPlanner
from cosmos_policy_ros.policy.planning.settings import PAPER

pytestmark = pytest.mark.skipif(find_spec('ray') is None, reason='the extra ray is not installed')

SETTINGS = dataclasses.replace(PAPER, candidates=4)
AMPLE = 40.0
"""s: a budget that a loaded machine keeps, too."""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('orders')


@pytest.fixture(scope='module')
def planner(folder):
    with pytest.MonkeyPatch.context() as patch:  # workers import the fakes
        patch.setenv('PYTHONPATH', os.pathsep.join([str(Path(__file__).parent), os.environ.get('PYTHONPATH', '')]))
        planner = RayPlanner(FakeFactory(folder), workers=2, settings=SETTINGS, timeout=60.0)
    try:
        assert planner.robot == 'fake'  # waits for the workers
        planner.warm_up()
        yield planner
    finally:
        planner.close()


@pytest.fixture(autouse=True)
def all_workers_there(planner):
    """Each test starts when both workers take part."""
    wait_for_all(planner)


def wait_for_all(planner):
    give_up = time.monotonic() + 60
    while planner.infer(OBSERVATION, TASK, 195).plan.workers_lost:
        assert time.monotonic() < give_up, 'a lost worker did not come back'


def local(**options):
    return LocalPlanner(FakeModel(0.9), settings=SETTINGS).infer(OBSERVATION, TASK, 195, **options)


def assert_same(plan, expected, indices=range(4)):
    assert [candidate.index for candidate in plan.candidates] == list(indices)
    for candidate in plan.candidates:
        other = expected.candidates[candidate.index]
        np.testing.assert_array_equal(candidate.actions_by_depth, other.actions_by_depth)
        assert (candidate.seed, candidate.value, candidate.members) == (other.seed, other.value, other.members)


def test_two_workers_plan_as_one_process_does(planner):
    result, expected = planner.infer(OBSERVATION, TASK, 195, futures=True), local(futures=True)
    assert_same(result.plan, expected.plan)
    assert result.plan.chosen == expected.plan.chosen and result.plan.calls == expected.plan.calls
    assert planner.instructions == (TASK, 'wave')
    for name, picture in expected.future_images.items():
        np.testing.assert_array_equal(result.future_images[name], picture)


def test_every_candidate_is_decoded_where_it_is_held(planner):
    result = planner.infer(OBSERVATION, TASK, 195, every_candidate=True)
    assert [len(candidate.futures_by_depth) for candidate in result.plan.candidates] == [1] * 4


def test_an_ample_budget_gives_the_complete_plan(planner):
    result = planner.infer(OBSERVATION, TASK, 195, budget=AMPLE, futures=True)
    assert_same(result.plan, local().plan)
    assert result.plan.deadline_met and result.future_images


@pytest.mark.parametrize('budget', [None, AMPLE])
def test_a_worker_that_dies_costs_its_candidates_and_comes_back(planner, folder, budget, capfd):
    (folder / 'die').touch()
    result = planner.infer(OBSERVATION, TASK, 195, budget=budget, futures=True)
    plan = result.plan
    assert plan.workers_lost == 1 and plan.deadline_met and not plan.fallback and plan.elapsed < AMPLE
    ranked = [candidate for candidate in plan.candidates if candidate.members]
    assert [candidate.index for candidate in ranked] == [0, 2] and plan.chosen in (0, 2)
    assert [candidate.value for candidate in ranked] == [local().plan.candidates[index].value for index in (0, 2)]
    wait_for_all(planner)
    assert capfd.readouterr().out == '', 'standard output belongs to the program'


def test_a_worker_that_fails_is_used_again_at_once(planner, folder):
    (folder / 'fail').touch()
    assert planner.infer(OBSERVATION, TASK, 195).plan.workers_lost == 1
    assert_same(planner.infer(OBSERVATION, TASK, 195).plan, local().plan)


def test_a_late_worker_gets_no_work_until_it_has_finished(planner, folder):
    (folder / 'stall').touch()
    late = planner.infer(OBSERVATION, TASK, 195, budget=3.0).plan
    assert late.workers_lost == 1 and [c.index for c in late.candidates if c.members] == [0, 2]
    meanwhile = planner.infer(OBSERVATION, TASK, 195).plan
    assert meanwhile.workers_lost == 1
    assert_same(meanwhile, local().plan)
    (folder / 'go on').touch()


def test_all_lost_is_an_error_and_the_next_query_recovers(planner, folder):
    (folder / 'all die').touch()
    with pytest.raises(PolicyError, match='none of 2 planning workers answered'):
        planner.infer(OBSERVATION, TASK, 195)
    (folder / 'all die').unlink()
    assert planner.infer(OBSERVATION, TASK, 195).plan.candidates


def test_a_wrong_request_is_told_as_in_one_process(planner):
    with pytest.raises(UnknownInstruction, match='sing'):
        planner.infer(OBSERVATION, 'sing', 195)


def test_nobody_else_can_reach_the_workers(planner):
    import ray

    assert [node['NodeManagerAddress'] for node in ray.nodes()] == ['127.0.0.1']
