"""Latch and authority under arbitrary sequences of events, against a model written from the rules alone."""
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cosmos_policy_ros.safety.records import Outcome
from safety_rig import Rig


class Model(RuleBasedStateMachine):
    """The model knows: what is latched, who holds authority, the epoch, whether rows may pass."""

    @initialize()
    def begin(self):
        self.rig = Rig()
        self.rig.ready()
        self.latched = 0           # highest severity since the last reset
        self.authority = ''
        self.origin = ''           # from whom an operator took the arms
        self.epoch = 0
        self.open = False          # a row of the authority would be accepted
        self.still = True          # no row accepted since the arms last came to rest

    def settle(self, ticks):
        self.rig.step(ticks)
        if not self.still and ticks >= 20:
            self.open = False      # rows stopped coming
            self.still = True

    def latch(self, severity):
        self.latched = max(self.latched, severity)
        self.authority, self.origin, self.open = '', '', False

    def armable(self, source):
        ending = self.rig.state == 'STOPPING' and not self.authority
        return source != 'ghost' and not self.latched and not ending and not self.rig.pressed

    def granted(self, reply, wanted, source, origin=''):
        assert reply.accepted == wanted == (not reply.blockers), reply.blockers
        if wanted:
            self.authority, self.origin, self.epoch = source, origin, self.epoch + 1
            self.open = self.still = True
            self.settle(20)

    @rule(source=st.sampled_from(['policy', 'teleop', 'park', 'ghost']))
    def arm(self, source):
        wanted = self.armable(source)
        self.granted(self.rig.core.request_arm(source, self.rig.now), wanted, source)

    @rule(source=st.sampled_from(['policy', 'teleop', 'ghost']))
    def take_over(self, source):
        wanted = source == 'teleop' and self.authority in ('policy', 'park') and self.armable(source)
        self.granted(self.rig.core.request_takeover(True, source, self.rig.now), wanted, source, self.authority)

    @rule(source=st.sampled_from(['', 'park', 'ghost']))
    def hand_back(self, source):
        target = source or self.origin
        wanted = self.authority == 'teleop' and target != '' and self.armable(target)
        self.granted(self.rig.core.request_takeover(False, source, self.rig.now), wanted, target)

    @rule()
    def restart(self):
        """The process ends at any moment and begins again with what it left on disk."""
        died_armed = self.authority != ''
        rig, event = self.rig, self.rig.status.last_event_id
        self.rig = Rig(rig.core.record)
        self.rig.pressed, self.rig.measured = rig.pressed, rig.measured
        self.authority, self.origin, self.open, self.still = '', '', False, True
        if died_armed:
            self.latched = max(self.latched, 3)
        assert self.rig.status.last_event_id == event + died_armed
        self.rig.step(1)
        assert self.rig.sent == []
        if rig.pressed:
            self.rig.heartbeat()
            self.latched = 4
        self.rig.step(80)

    @rule()
    def disarm(self):
        assert self.rig.core.request_disarm(self.rig.now).accepted
        self.authority, self.origin, self.open = '', '', False

    @rule(source=st.sampled_from(['policy', 'teleop']), back=st.integers(0, 2), step=st.floats(-0.03, 0.03))
    def row(self, source, back, step):
        """A row of any source and of this or an older epoch."""
        before = self.rig.core.command
        if before is None:
            assert not self.authority
            return
        target = before.copy()
        target[5] += step  # the last joint: free to turn without meeting anything
        kind = self.rig.offer(target, source=source, epoch=self.rig.core.epoch - back).kind
        allowed = self.open and source == self.authority and back == 0
        assert (kind is not Outcome.REFUSED) == allowed
        self.rig.step(4)
        if allowed:
            self.still = False
        elif not self.open:
            self.still = self.still or self.rig.state != 'STOPPING'

    @rule()
    def wait(self):
        self.settle(60)

    @rule(cause=st.sampled_from([('camera_frozen', 3), ('duplicate_publisher', 4)]))
    def report(self, cause):
        self.rig.core.report(cause[0], self.rig.now)
        self.latch(cause[1])

    @rule(pressed=st.booleans())
    def stop_button(self, pressed):
        self.rig.pressed = pressed
        self.rig.heartbeat()
        if pressed:
            self.latch(4)

    @precondition(lambda self: self.latched)
    @rule(latest=st.booleans(), wait=st.booleans())
    def reset(self, latest, wait):
        if wait:
            self.settle(80)
        event = self.rig.status.last_event_id - (not latest)
        reply = self.rig.core.request_reset(event, self.rig.now)
        if wait:
            assert reply.accepted == (latest and not self.rig.pressed), reply.blockers
        if reply.accepted:
            assert latest and not self.rig.pressed
            assert self.rig.state == 'DISARMED'
            self.latched, self.epoch = 0, self.epoch + 1

    @invariant()
    def authority_and_latch_agree(self):
        if not hasattr(self, 'rig'):
            return
        status = self.rig.status
        assert status.authority == self.authority
        assert status.origin == self.origin
        assert status.armed == bool(self.authority)
        assert status.epoch == self.epoch
        worst = max((active.cause.severity for active in status.causes), default=0)
        assert (worst if worst >= 3 else 0) == self.latched
        if self.latched:
            assert status.state_name in ('STOPPING', {3: 'PROTECTIVE_STOP', 4: 'ESTOPPED'}[self.latched])
        if status.state_name == 'RUNNING':
            assert self.authority and self.open


TestLatchAndAuthority = Model.TestCase
TestLatchAndAuthority.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
