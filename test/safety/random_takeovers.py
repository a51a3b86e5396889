"""Takeovers at random moments of random motion: timeline, jogging, supervisor and the conductor's labels on one clock."""
from dataclasses import dataclass

import numpy as np
from safety_rig import CONFIG_FILE, ROW, TICK, Rig

from cosmos_policy_ros.control.chunk import ActionChunk
from cosmos_policy_ros.control.jogging import Jogging, JogSettings, advanced
from cosmos_policy_ros.control.timeline import ChunkTimeline
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.rollouts.holder import Change, Holder
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.envelope import Envelope

LATENCY = 12
"""Ticks that the fake policy thinks."""
AMPLITUDE, FASTEST, BACK = 0.25, 2.0, 0.9
"""rad and rad/s of the fake policy's motion; rad/s with which it comes back from where it was led."""
SHARES = np.array([0.4, 0.2, 0.2, 1.0, 1.0, 1.0, 0.0] * 2)
"""Of that amplitude, by joint: far enough from everything."""
MOST = 150
"""Ticks that a source has the arms at most before the next change."""
STANDING = 60
"""Ticks that the arms may stand after a change."""


@dataclass(frozen=True)
class Taken:
    """One takeover and the return.

    ``step``: largest step of a command from a second before it on, as a share of what the speed limits allow in that time.
    ``labels``: rows by which the labelled span is off at worst. ``stale``: chunks that were inferred before the return and
    played after it.
    """

    step: float
    labels: float
    stale: int


class WanderingFakePolicy:
    """Chunks that wander around the start pose; where the arms stand they begin."""

    def __init__(self, rng):
        self._phase, self._pace = rng.uniform(0, 2 * np.pi, 14), rng.uniform(0.3, 1.0, 14) * FASTEST / AMPLITUDE

    def rows(self, begin, moment):
        """(50, 14) rows from ``begin`` (14,) at ``moment`` s."""
        times = moment + ROW * np.arange(50)[:, None]
        curve = START + AMPLITUDE * SHARES * np.sin(self._pace * times + self._phase)
        apart = begin - curve[0]
        return curve + apart * np.exp(-np.arange(50)[:, None] / np.maximum(12.0, np.abs(apart) / (BACK * ROW)))


class Takeovers(Rig):
    """The rig with a policy and with hands that take the arms from it."""

    def __init__(self, rng):
        super().__init__(planned_authorities=('policy',))
        self._rng, self._policy = rng, WanderingFakePolicy(rng)
        self._timeline = ChunkTimeline(expected_latency=LATENCY * TICK)
        envelope = Envelope(load_config(CONFIG_FILE))
        self._jog = Jogging(
            JogSettings(envelope.limits.acceleration), envelope.config.cell,
            lambda row, position, velocity: envelope.admit(row, position, velocity, 1.0, self.config.reduced_speed))
        self._pending, self._chunks, self._aims, self._shown = None, 0, {}, None
        self.rows, self.changes, self.accepted = [], [], []
        self.armed()
        self._holder = Holder('policy', self.core.epoch)
        self._timeline.start(self.core.epoch, self.now, self.core.command)

    def live(self, ticks):
        """Advance; whoever has the arms sends rows, and the conductor listens."""
        for _ in range(ticks):
            self._source()
            self.step()
            shown = self.core.authority, self.core.epoch, self.core.state
            if shown != self._shown or self.ticks % 10 == 0:  # a status comes on change and at 10 Hz
                self._see()
            self._shown = shown

    def change(self, take):
        """The operator takes the arms, or hands them back; whoever gets them begins when they stand."""
        reply = self.core.request_takeover(take, 'jog' if take else '', self.now)
        assert reply.accepted, reply.blockers
        self._timeline.stop()
        self._jog.stop()
        self._pending = None
        for _ in range(STANDING):
            self.live(1)
            if self.state == 'HELD':
                break
        assert self.state == 'HELD', (self.state, self.causes)
        if take:
            self._jog.start('jog', self.core.epoch, self.now, self.core.command)
            self._aims = {side: advanced(self._jog.hand(side), self._rng.uniform(-0.06, 0.06, 6)) for side in SIDES}
        else:
            self._timeline.start(self.core.epoch, self.now, self.core.command)
        return reply.epoch

    def run(self):
        """The policy for a while, a takeover, and back; a ``Taken``."""
        self.live(LATENCY + 5 + int(self._rng.integers(1, MOST)))
        assert self.core.authority == 'policy' and not self.causes, self.causes
        asked, epoch = self.now, self.change(take=True)
        self.live(int(self._rng.integers(1, MOST)))
        released, back = self.now, self.change(take=False)
        self.live(LATENCY + 40)
        begin, end = (at for change, at in self.changes[-2:])
        assert [change for change, _ in self.changes[-2:]] == [Change.TAKEN, Change.HANDED_BACK], self.changes[-2:]
        policy = [at for source, at, number in self.rows if source == 'policy' and number < epoch]
        wrong = [begin - asked, end - released, max(policy) - begin]  # no row of the policy within the span
        wrong += [end_of - end for end_of in [max((at for source, at, number in self.rows if number == epoch), default=end)]]
        stale = sum(observed < released for number, observed in self.accepted if number == back)
        return Taken(self._largest_step(asked - 1.0), max(*wrong, 0.0) / ROW, stale)

    def _largest_step(self, since):
        times, sent = zip(*[(at, command) for at, command in self.sent if at >= since])
        # A command is held until the next one: over a pause there is no more to be moved than in one period.
        allowed = np.minimum(np.diff(times), ROW)[:, None] * np.array([*self.config.arm_speed, self.config.gripper_speed] * 2)
        return float((np.abs(np.diff(np.stack(sent), axis=0)) / np.maximum(allowed, 1e-9)).max())

    def _source(self):
        if self.core.authority == 'policy' and self._timeline.epoch is not None:
            self._think()
            setpoint = self._timeline.setpoint(self.now)
        else:
            if self._jog.epoch is not None:
                for side, pose in self._aims.items():
                    self._jog.aim(side, pose, self.now)
            setpoint = self._jog.row(self.now)
        if setpoint is not None:
            verdict = self.core.offer(setpoint, self.now)
            assert verdict.kind.value != 'refused', verdict
            self.rows.append((setpoint.source, self.now, setpoint.epoch))

    def _think(self):
        if self._pending is not None and self.ticks >= self._pending[0]:
            chunk, self._pending = self._pending[1], None
            verdict = self.core.offer_chunk(chunk, self.now)
            assert verdict.kind.value == 'accepted', verdict
            self._timeline.accept(chunk, self.now)
            self.accepted.append((chunk.epoch, chunk.observed_at))
        if self._timeline.wants_chunk(self.now):
            self._timeline.requested(self.now)
            self._chunks += 1
            rows = self._policy.rows(self.core.command, self.now)
            self._pending = self.ticks + LATENCY, ActionChunk(self.core.epoch, self._chunks, self.now, rows)

    def _see(self):
        status = self.status
        change = self._holder.see(status.armed, status.authority, status.origin, status.epoch)
        assert not self._holder.lost, status
        if change is not Change.NONE:
            self.changes.append((change, self.now))
