"""An operator at any panel: carries out what is asked for, one thing at a time and without keeping the panel waiting."""
import threading
import time
from collections import deque
from functools import partial
from queue import SimpleQueue

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from std_srvs.srv import Trigger

from cosmos_policy_ros.action import RunRollout
from cosmos_policy_ros.control.operation import SCORES, Control, Situation, why_not
from cosmos_policy_ros.control.overview import Overview, Progress, Reason
from cosmos_policy_ros.srv import Takeover

from .background import POLL
from .clock import seconds

RELEASE_TIME = 1.0
"""s of the supervisor's clock in which it has to see that the stop was let go; it wants half a second."""

PATIENCE = 5.0
"""s of wall time for an answer."""

RELEASE_PATIENCE = 20.0
"""s of wall time that ``RELEASE_TIME`` may take; a simulation on a busy machine is slow."""

BRING_UP = 180.0
"""s that preparing or parking the arms may take."""

LINES = 200
VALUES = 120
"""Chunks of a rollout whose values are kept."""


class Operator:
    """Serves a panel from threads of its own; ``do`` and ``situation`` return at once, and the stop never waits.

    What may let an arm fall is asked for twice: bring-up answers "confirm: ..." first, and acts when it is asked again.

    ``results``: a dict for each rollout that has ended. ``said``: (number, line) of what happened, oldest first.

    Args:
        station: ``Station``. task: of the rollouts. seed: of the first, rises by one. step_limit: rows of a rollout.
        mode: of the rollouts. hands: source to which a takeover gives the arms.
    """

    def __init__(self, station, task, seed, step_limit, mode='direct', hands='teleop'):
        self._station, self.task, self.seed, self._step_limit, self.mode = station, task, seed, step_limit, mode
        self._hands, self._rollout, self._busy, self._pressed = hands, None, '', False
        self._arms = {control: station.node.create_client(Trigger, f'/arm_bringup/{control.value}')
                      for control in (Control.PREPARE, Control.PARK)}
        self._takeover = station.node.create_client(Takeover, '/cosmos_policy/takeover')
        self._policy = station.node.create_client(SetParameters, '/policy/set_parameters')
        self.speed = None
        """Share of the trained speed that was set here; None: whatever the policy was started with."""
        self.results, self.said, self._said = [], deque(maxlen=LINES), 0
        self._values, self._valued = deque(maxlen=VALUES), 0
        self._asked = SimpleQueue()
        threading.Thread(target=self._work, name='operator', daemon=True).start()

    def situation(self):
        """The ``Situation`` now."""
        status, busy, rollout = self._station.status, self._busy, self._rollout
        stage = '' if rollout is None else getattr(self._station.feedback, 'stage', '') or 'starting'
        if status is None:
            return Situation(pressed=self._pressed, rollout=stage, busy=busy)
        return Situation(status.state_name, status.authority, status.origin, time.monotonic() - self._station.status_at,
                         tuple(cause.text for cause in status.causes), tuple(status.blockers), self._pressed, stage, busy,
                         self._station.recorded)

    def overview(self):
        """The ``Overview`` now."""
        situation, status = self.situation(), self._station.status
        feedback = self._station.feedback
        progress = Progress(feedback.step, self._step_limit, feedback.chunks, tuple(self._values)) if feedback else Progress()
        if status is None:
            return Overview(situation, self.task, progress=progress)
        now = self._supervisor_time()
        reasons = tuple(Reason(cause.text, cause.hint, max(0.0, now - seconds(cause.since))) for cause in status.causes)
        return Overview(situation, self.task, reasons, tuple(zip(status.watched, status.ages)), progress, status.speed_scale,
                        status.min_clearance, status.last_event_id, status.rows_accepted, status.rows_clamped,
                        status.rows_refused, tuple(status.warnings))

    def do(self, control, note=''):
        """Ask for a ``Control``; returns why it cannot be used now, '' when it is carried out. ``note``: of a judgement."""
        reason = why_not(control, self.situation())
        if reason:
            self._say(f'{control.value}: not now: {reason}')
            return reason
        if control is Control.STOP:
            self._station.press()
            self._pressed = True
            self._say('stop pressed')
        self._station.tell(control.value, note)
        if control is Control.START:
            self._start()
        elif control is Control.CANCEL:
            self._rollout.cancel()
        elif control in self._arms:
            self._busy = control.value
            threading.Thread(target=self._bring_up, args=(control,), name=control.value, daemon=True).start()
        elif control is not Control.STOP:
            self._asked.put(partial(self._carry_out, control, note))
        return ''

    def set_speed(self, share):
        """Play the policy's next chunks at a share of the trained speed, one of ``control.playback.STEPS``."""
        self._asked.put(partial(self._set_speed, share))

    def follow(self):
        """Take note of a rollout that has ended; to be called several times a second."""
        if self._rollout is None:
            return
        feedback = self._station.feedback
        if feedback is not None and feedback.chunks > self._valued:
            self._values.append(feedback.value)
            self._valued = feedback.chunks
        try:
            result = self._rollout.advance()
        except RuntimeError as error:
            self._say(str(error))
            self._rollout = None
            return
        if result is not None:
            self._say(f'rollout: outcome={result.outcome} steps={result.steps} bag={result.bag or "none"} '
                      f'{result.message}'.rstrip())
            self.results.append({'outcome': result.outcome, 'steps': result.steps, 'bag': result.bag})
            self._rollout = None

    def close(self):
        """End the thread."""
        self._asked.put(None)

    def _start(self):
        self._station.feedback = None
        self._values.clear()
        self._valued = 0
        self._rollout = self._station.rollout(RunRollout.Goal(task=self.task, seed=self.seed, step_limit=self._step_limit,
                                                              mode=self.mode))
        self.seed += 1

    def _work(self):
        while (job := self._asked.get()) is not None:
            self._say(job())

    def _carry_out(self, control, note):
        if control is Control.RESET:
            return self._reset()
        if control in SCORES:
            episode = '' if self._rollout is not None else self._station.recorded
            reply = self._station.label(control.value, SCORES[control], note, episode)
            return _told(f'label {control.value}' + (f' of {episode}' if episode else ''), reply, lambda: reply.message)
        take = control is Control.TAKE
        request = Takeover.Request(take=take, authority=self._hands if take else '')
        reply = self._station.ask(self._takeover, request, PATIENCE)
        return _told(control.value, reply, lambda: '; '.join(reply.blockers))

    def _set_speed(self, share):
        value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=share)
        request = SetParameters.Request(parameters=[Parameter(name='playback_speed', value=value)])
        reply = self._station.ask(self._policy, request, PATIENCE)
        if reply is None or not reply.results[0].successful:
            return f'speed: {reply.results[0].reason if reply else "the policy does not answer"}'
        self.speed = share
        return f'speed: {share:.0%} from the next chunk on'

    def _bring_up(self, control):
        """In a thread of its own: it takes long, and a reset must not wait for it."""
        reply = self._station.ask(self._arms[control], Trigger.Request(), BRING_UP)
        self._busy = ''
        self._say(f'{control.value}: ' + (reply.message if reply else 'arm_bringup does not answer'))

    def _reset(self):
        self._station.release()
        self._pressed = False
        released, deadline = self._supervisor_time(), time.monotonic() + RELEASE_PATIENCE
        while self._blocked() and self._supervisor_time() < released + RELEASE_TIME and time.monotonic() < deadline:
            time.sleep(POLL)
        reply = self._station.reset()
        if reply is not None and reply.accepted:
            return 'reset: accepted; nothing moves until the arms are given away again'
        return _told('reset', reply, lambda: '; '.join(reply.blockers))

    def _blocked(self):
        """Whether the last status names something that a reset would be refused for."""
        return self._station.status is not None and self._station.status.blockers

    def _supervisor_time(self):
        """s of the supervisor's clock when its last status was made."""
        status = self._station.status
        return seconds(status.header.stamp) if status else 0.0

    def _say(self, line):
        self._said += 1
        self.said.append((self._said, line))


def _told(name, reply, why):
    if reply is None:
        return f'{name}: no answer'
    return f'{name}: accepted' if reply.accepted else f'{name} refused: {why()}'
