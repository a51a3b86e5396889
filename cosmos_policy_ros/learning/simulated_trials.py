"""Trials of an evaluation session in the simulator: lock-step in this process, so that a trial comes out the same."""
from dataclasses import asdict, replace

from .evaluation import Evaluator, make_backend


class SimulatedTrials:
    """Plays trials, one at a time; a context manager.

    Args:
        policies: {name: ``EvaluationSettings``}, of which the task is that of the trial.
    """

    def __init__(self, policies):
        self._policies, self._backends, self._evaluators = policies, {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for evaluator in self._evaluators.values():
            evaluator.close()
        for backend in self._backends.values():
            backend.close()

    def play(self, trial):
        """The ``EpisodeResult`` of a ``Trial`` as a dictionary; all but 'inference' depends on the trial alone."""
        return asdict(self._evaluator(trial.policy, trial.task).do(trial.start))

    def _evaluator(self, policy, task):
        if policy not in self._backends:
            self._backends[policy] = make_backend(self._policies[policy])
        if (policy, task) not in self._evaluators:
            settings = replace(self._policies[policy], task=task)
            self._evaluators[policy, task] = Evaluator(self._backends[policy].infer, settings)
        return self._evaluators[policy, task]
