"""Throws malformed messages at a supervisor and judges what it makes of each, by rules of its own."""
import copy
import math
from collections import Counter

import numpy as np
from fault_modes import OWN
from fuzz_messages import Mutator

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, JOINT_NAMES
from cosmos_policy_ros.embodiment.limits import both_arms
from cosmos_policy_ros.msg import ActionChunk, GuardState, JointSetpoint, StopSource
from cosmos_policy_ros.nodes.clock import seconds
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.records import Outcome
from cosmos_policy_ros.srv import Arm, ResetSafety, Takeover

MESSAGES_A_ROUND, MESSAGES_A_TICK = 400, 8
STOPPED_FOR = 120
"""Messages that a stopped supervisor gets before it is reset."""
NO_ROOM = 1e-6
ROWS = f'{OWN}/setpoint'
SERVICES = tuple(f'{OWN}/{name}' for name in ('arm', 'takeover', 'reset_safety'))


class Judge:
    """What must not pass, worked out from each message alone; ``wrong`` lists what passed nevertheless.

    ``thrown`` counts messages by topic or service, ``verdicts`` rows by what became of them.

    Args:
        rig: ``FuzzRig``.
    """

    def __init__(self, rig):
        self._rig, self._core = rig, rig.core
        config = load_config(config_file('safety.yaml'))
        self._config = config
        self._lower = both_arms(config.arm_lower, config.gripper_lower)
        self._upper = both_arms(config.arm_upper, config.gripper_upper)
        self._speed = both_arms(config.arm_speed, config.gripper_speed)
        self._sequence = {}
        self.thrown, self.verdicts, self.wrong = Counter(), Counter(), []
        self._offer, self._offer_chunk = self._core.offer, self._core.offer_chunk
        self._core.offer, self._core.offer_chunk = self._on_offer, self._on_chunk
        self._message = None

    def deliver(self, name, message):
        """Hand a message or a request to the supervisor; ``wrong`` grows when that does what it must not."""
        self.thrown[name] += 1
        armed, latched = bool(self._core.authority), self._rig.state in ('PROTECTIVE_STOP', 'ESTOPPED')
        self._message = message
        try:
            reply = self._rig.request(name, message) if name in SERVICES else self._rig.callbacks[name](message)
        except Exception as error:
            return self._blame(name, f'raised {type(error).__name__}: {error}')
        finally:
            self._message = None  # what comes next are the rig's own streams
        if self._core.state.name == 'FAULT' or any(cause.cause.id == 'internal_error' for cause in self._core.record.causes):
            return self._blame(name, self._core.record.causes[0].text)
        if self._must_stop(name, message, armed) and self._core.authority:
            self._blame(name, f'goes on after {message}')
        if name == f'{OWN}/reset_safety' and reply.accepted and not latched:
            self._blame(name, 'reset of nothing')
        if name in (f'{OWN}/arm', f'{OWN}/takeover') and reply.accepted and self._core.authority and (
                latched or self._core.authority not in self._config.authorities):
            self._blame(name, f'armed {self._core.authority!r}')
        self._rig.streams.epoch = self._core.epoch

    def look(self):
        """Judge the command in force."""
        command = self._core.command
        if command is not None and not (np.isfinite(command).all() and (command >= self._lower - NO_ROOM).all()
                                        and (command <= self._upper + NO_ROOM).all()):
            self._blame('command', command.tolist())

    def _blame(self, name, what):
        self.wrong.append(f'{name}: {what}; {self._message or ""}'[:2000])

    def _must_stop(self, name, message, armed):
        """Whether nobody may have the arms after this."""
        if isinstance(message, StopSource):
            return message.level != StopSource.RELEASED
        if not armed:
            return False
        if isinstance(message, GuardState):
            return message.state == GuardState.BRAKING
        if name.endswith('joint_states') and self._unusable(message):
            return True
        if hasattr(message, 'header') and (name.endswith(('joint_states', 'camera_info'))):
            return seconds(message.header.stamp) > self._rig.now + self._config.clock_step + NO_ROOM
        return False

    @staticmethod
    def _unusable(state):
        joints = dict(zip(state.name, state.position))
        values = [joints.get(name, math.nan) for name in (*ARM_JOINTS, 'left_finger')]
        return not all(map(math.isfinite, values)) or all(abs(value + math.pi) < 0.004 for value in values[:6])

    def _on_offer(self, setpoint, now):
        message, before = self._message, self._core.command
        holder, epoch, state = self._core.authority, self._core.epoch, self._core.state.name
        verdict = self._offer(setpoint, now)
        self.verdicts[verdict.kind.value] += 1
        if verdict.kind is Outcome.REFUSED or not isinstance(message, JointSetpoint):
            return verdict
        row = np.array(message.positions)
        age = self._rig.now - seconds(message.header.stamp)
        problems = [what for what, holds in (
            ('nobody may move', state not in ('HELD', 'RUNNING')), ('source', message.source != holder or not holder),
            ('epoch', message.epoch != epoch), ('shape', row.shape != (14,)), ('not finite', not np.isfinite(row).all()),
            ('age', not abs(age) <= 0.08 + NO_ROOM), ('order', message.sequence <= self._sequence.get(epoch, -1))) if holds]
        if not problems:
            sent = verdict.positions
            speed = np.abs(sent - before) / self._config.row_period
            problems = [what for what, holds in (
                ('limits', (sent < self._lower - NO_ROOM).any() or (sent > self._upper + NO_ROOM).any()),
                ('speed', (speed > self._speed * (1 + NO_ROOM) + NO_ROOM).any()),
                ('changed', verdict.kind is Outcome.ACCEPTED and not (sent == row).all())) if holds]
        self._sequence = {epoch: message.sequence}
        if problems:
            self._blame('row accepted', ', '.join(problems))
        return verdict

    def _on_chunk(self, chunk, now):
        message, holder, epoch = self._message, self._core.authority, self._core.epoch
        verdict = self._offer_chunk(chunk, now)
        if verdict.kind is not Outcome.REFUSED and isinstance(message, ActionChunk):
            rows = [list(point.positions) for point in message.trajectory.points]
            good = (message.source == holder and message.epoch == epoch and rows and all(len(row) == 14 for row in rows)
                    and all(math.isfinite(value) for row in rows for value in row)
                    and list(message.trajectory.joint_names) == list(JOINT_NAMES))
            if not good:
                self._blame('chunk accepted', 'malformed')
        return verdict


def fuzz(rig, count, seed):
    """Throw ``count`` messages; returns the ``Judge``. Ends early when the supervisor has failed."""
    judge, rng = Judge(rig), np.random.default_rng(seed)
    mutator = Mutator(rng)
    known = {publisher.topic_name for publisher in rig.streams.publishers.values()}
    unknown = set(rig.callbacks) - known - set(SERVICES)
    assert not unknown, f'the supervisor listens to what nobody plays: {sorted(unknown)}'
    gentle, all_names = (ROWS, f'{OWN}/chunk', *SERVICES), list(rig.callbacks)
    thrown = 0
    rig.running()  # so that there is a good message of every stream
    rig.calm()
    while thrown < count and not judge.wrong:
        [rig.running, rig.running, rig.held, rig.stopped, lambda: None][rng.integers(5)]()
        stopped = 0
        for number in range(min(MESSAGES_A_ROUND, count - thrown)):
            roll = rng.random()
            name = ROWS if roll < 0.5 else gentle[rng.integers(len(gentle))] if roll < 0.8 else all_names[
                rng.integers(len(all_names))]
            judge.deliver(name, mutator.mutate(good(rig, name)))
            thrown += 1
            if number % MESSAGES_A_TICK == 0:
                rig.step()
                judge.look()
                if rig.state == 'HELD' and rig.causes:
                    rig.arm(rig.status.authority)
            stopped += not rig.core.authority
            if judge.wrong or stopped > STOPPED_FOR:
                break
        if not judge.wrong:
            rig.recover()
    return judge


def good(rig, name):
    """A good message of a topic, or a good request."""
    if name == ROWS:
        return rig.streams.row(rig.arms.goal + 0.005, rig.stamp)
    if name == SERVICES[2]:
        return ResetSafety.Request(event_id=rig.status.last_event_id)
    if name in SERVICES:
        return {SERVICES[0]: Arm, SERVICES[1]: Takeover}[name].Request(authority='teleop')
    streams = rig.streams
    (stream,) = [stream for stream, publisher in streams.publishers.items() if publisher.topic_name == name]
    message = copy.deepcopy(streams.last[stream])
    message.header.stamp = rig.stamp
    return message
