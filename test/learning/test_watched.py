"""Episodes that a monitor watches: the same as unwatched ones while nothing is done, and what happens in them is seen."""
import pytest
from test_evaluation import SHORT

from cosmos_policy_ros.control.surprise import PHASES, Comparison, Response, Thresholds
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.learning.evaluation import evaluate
from cosmos_policy_ros.learning.watched import WatchedEvaluator
from cosmos_policy_ros.sim.incidents import Incident, Kind

SIGNALS = {*CAMERAS, *(f'{camera} spot' for camera in CAMERAS), 'left arm', 'right arm'}
LOOSE = Thresholds({camera: (60.0,) * PHASES for camera in CAMERAS}, 1.0)
"""Far above what an undisturbed episode shows, far below a covered camera."""


@pytest.fixture(scope='module')
def evaluator():
    evaluator = WatchedEvaluator(SHORT, LOOSE)
    yield evaluator
    evaluator.close()


def test_watching_changes_nothing_and_finds_nothing_where_nothing_is(evaluator):
    watched = evaluator.run(1000)
    unwatched, = evaluate(SHORT, [1000])
    assert watched.episode == unwatched and watched.happened is None and watched.alarms == ()
    again = list(watched.watched.replay(Comparison()))
    assert len(again) in (12, 13) and {signal for _, found in again for signal, _ in found} == SIGNALS


def test_a_covered_camera_is_seen_at_the_second_look(evaluator):
    incident = Incident(Kind.CAMERA, 1, CAMERAS)
    watched = evaluator.run(1000, incident, at=1.0)
    at, level, signal = watched.alarms[0]
    assert signal == incident.covered and level > 1 and 0.2 <= at - watched.happened <= 0.5


def test_an_answer_ends_the_rows():
    evaluator = WatchedEvaluator(SHORT, LOOSE, Response.HOLD)
    try:
        watched = evaluator.run(1000, Incident(Kind.CAMERA, 1, CAMERAS), at=1.0)
    finally:
        evaluator.close()
    assert watched.episode.outcome == 'stopped' and watched.episode.causes[0].startswith('rows stopped coming')
