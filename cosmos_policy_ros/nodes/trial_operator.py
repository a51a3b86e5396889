"""An operator who is led through the rollouts of an evaluation session: each start runs the next one."""
from cosmos_policy_ros.control.operation import Control, why_not

from .operator import Operator

CHANGING, OVER = 'changing the policy', 'the end of the session'


class TrialOperator(Operator):
    """As ``Operator``, but task, start and policy are those of the session's next trial. ``over``: all have ended.
    ``stuck``: a rollout was refused and nobody is there who could mend it.

    A trial's policy is put in place before it can be started; until then nothing else can begin.

    Args:
        trials: ``Trial``s to run, in order. log: ``TrialLog``. stage: puts a policy in place: ``ask(name)``, then
            ``settled()`` until it is true, and ``mode(name)``; all return at once. announce: text of a ``Trial`` for
            the operator. alone: nobody has to lay out the scene and start.
    """

    def __init__(self, station, trials, log, stage, announce, step_limit, alone):
        super().__init__(station, trials[0].task, trials[0].start, step_limit)
        self._trials, self._log, self._stage, self._announce, self._alone = list(trials), log, stage, announce, alone
        self.over = self.stuck = False
        self._call()

    def follow(self):
        """Take note of a rollout that has ended, and go on to the next."""
        ended = len(self.results)
        super().follow()
        if self._busy == CHANGING and self._stage.settled():
            self._busy = ''
            self._say(self._announce(self._trials[0]))
        if len(self.results) > ended:
            self._ended(self.results[-1])
        elif self._alone and not why_not(Control.START, self.situation()):
            self.do(Control.START)

    def _call(self):
        """Make everything ready for the next trial."""
        self._busy = CHANGING
        self._stage.ask(self._trials[0].policy)

    def _start(self):
        trial = self._trials[0]
        self.task, self.seed, self.mode = trial.task, trial.start, self._stage.mode(trial.policy)
        self._log.begin(trial.number)
        super()._start()

    def _ended(self, result):
        if result['outcome'] in ('refused', 'interrupted') or not result['bag']:
            self._say(f'{self._announce(self._trials[0])}; it has to be run again')
            self.stuck = self._alone
            return
        episode = result['bag'].rpartition('/')[2]
        self._log.end(self._trials.pop(0).number, {'outcome': result['outcome'], 'episode': episode})
        if self._trials:
            self._call()
        else:
            self.over, self._busy = True, OVER
