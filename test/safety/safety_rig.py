"""A rig around the supervisor: lagging arms, a heartbeating stop, cameras, a clock of 10 ms steps."""
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.latch import LatchRecord
from cosmos_policy_ros.safety.records import Outcome
from cosmos_policy_ros.safety.supervisor import Supervisor

CONFIG_FILE = Path(__file__).parents[2] / 'config' / 'safety.yaml'
TICK, ROW = 0.01, 0.04


def gripper_observation(action):
    """What the robot reports for a gripper that has reached ``action``."""
    gripper = GRIPPER_MAPS['ros1']
    return gripper.observation_from_finger(gripper.finger_from_joint(gripper.joint_from_action(action)))


class Rig:
    """Drives a ``Supervisor`` tick by tick; attributes switch its inputs off.

    ``sent`` keeps (time, command), ``states`` the state after each tick by time.
    """

    def __init__(self, record=LatchRecord(), **changes):
        self.config = replace(load_config(CONFIG_FILE), **{'planned_authorities': (), **changes})
        self.core = Supervisor(self.config, record, 5.0)
        self.ticks = 0
        self.measured = START.copy()
        self.feeds = {'left', 'right', 'operator', *self.config.cameras}
        self.follows = True
        self.obeyed = lambda command: command  # what the arms make of the command
        self.efforts = np.full(14, np.nan)
        self.fingerprint = lambda camera: None
        self.pressed = False
        self.stop_sequence = 0
        self.echo = None
        self.counter = 0
        self.sequence = 0
        self.sent = []
        self.states = {}
        self.reported = None

    @property
    def now(self):
        return 5.0 + self.ticks * TICK

    def observe(self, side, positions=None, stamp=None):
        values = self.measured[7 * SIDES.index(side):][:7].copy() if positions is None else positions
        if positions is None:
            values[6] = gripper_observation(values[6])
        self.core.observe_joints(side, values, self.now if stamp is None else stamp, self.now,
                                 self.efforts[7 * SIDES.index(side):][:7])

    def heartbeat(self):
        self.stop_sequence += 1
        self.core.observe_stop_source('operator', self.pressed, self.stop_sequence,
                                      self.counter if self.echo is None else self.echo, self.now)

    def step(self, ticks=1):
        """Advance; returns the last ``Output``."""
        for _ in range(ticks):
            self.ticks += 1
            if self.follows and self.core.command is not None:
                lag = np.tile([*self.config.servo_lag, 0.05], 2)
                self.measured += (self.obeyed(self.core.command) - self.measured) * (1 - np.exp(-TICK / lag))
            for side in SIDES:
                if side.value in self.feeds:
                    self.observe(side)
            for camera in self.config.cameras:
                if camera in self.feeds and self.ticks % 3 == 0:
                    self.core.observe_camera(camera, self.now, self.now)
                    if self.fingerprint(camera) is not None:
                        self.core.observe_picture(camera, self.fingerprint(camera))
            if 'operator' in self.feeds and self.ticks % 5 == 0:
                self.heartbeat()
            output = self.cycle()
            if self.ticks % 10 == 0:
                self.counter = self.core.status(self.now).counter
        return output

    def cycle(self):
        """One tick without new inputs, at the present moment."""
        before = self.reported
        output = self.core.tick(self.now)
        self.states[self.now] = output.state.name
        self.reported = output.state, [active.event_id for active in self.core.record.causes]
        assert output.changed or self.reported == before, 'a stop is announced in the tick that it happens in'
        if output.command is not None:
            self.sent.append((self.now, output.command))
        return output

    def row(self, positions, **changes):
        """A setpoint of the current epoch that is due now."""
        self.sequence += 1
        values = {'source': self.core.authority, 'epoch': self.core.epoch, 'sequence': self.sequence,
                  'target_time': self.now, 'positions': positions, **changes}
        return SimpleNamespace(**values)

    def offer(self, positions, **changes):
        return self.core.offer(self.row(positions, **changes), self.now)

    def play(self, rows):
        """Offer rows one period apart and tick in between; returns the verdicts."""
        verdicts = []
        for positions in rows:
            verdicts.append(self.offer(positions))
            self.step(4)
        return verdicts

    def ready(self):
        """Advance until arming is possible."""
        self.step(60)
        return self

    def armed(self, authority='policy'):
        self.ready()
        reply = self.core.request_arm(authority, self.now)
        assert reply.accepted, reply.blockers
        return self

    def running(self, speed=1.0, rows=6):
        """Armed and moving the left waist at ``speed`` rad/s."""
        self.armed()
        self.play(moving(self.core.command, speed, rows))
        assert self.state == 'RUNNING'
        return self

    @property
    def state(self):
        return self.core.state.name

    @property
    def status(self):
        return self.core.status(self.now)

    @property
    def causes(self):
        return [active.cause.id for active in self.status.causes]


def brakes_and_latches(rig, cause, state='PROTECTIVE_STOP'):
    """A stop has just happened: named with its source, braked, latched, and nothing more is published."""
    assert cause in rig.causes
    assert all(active.source and active.event_id for active in rig.status.causes)
    assert rig.state in ('STOPPING', state)
    assert not rig.status.armed
    rig.step(10)
    assert rig.state == state
    assert cause in rig.causes
    sent = len(rig.sent)
    rig.step(20)
    assert len(rig.sent) == sent, 'a stopped supervisor publishes nothing more'


def can_be_reset(rig):
    """What the stop was for is gone: after a while a reset clears it, and the arms can be armed."""
    rig.feeds = {'left', 'right', 'operator', *rig.config.cameras}
    rig.step(100)
    reply = rig.core.request_reset(rig.status.last_event_id, rig.now)
    assert reply.accepted, reply.blockers
    assert (rig.state, rig.causes) == ('DISARMED', [])
    rig.step(60)
    assert rig.core.request_arm('policy', rig.now).accepted


def brakes_and_holds(rig, cause):
    """A hold has just happened: named with its source, braked, and going on takes a new epoch."""
    assert rig.causes == [cause]
    assert rig.status.causes[0].source and rig.status.causes[0].event_id == rig.status.last_event_id
    assert rig.offer(rig.core.command).kind is Outcome.REFUSED
    rig.step(10)
    assert rig.state == 'HELD'
    assert rig.offer(rig.core.command).kind is Outcome.REFUSED, 'new rows of the same epoch must not restart it'
    assert rig.core.request_arm('policy', rig.now).accepted
    assert rig.causes == []
    assert rig.offer(rig.core.command).kind is Outcome.ACCEPTED


def moving(start, speed, rows, joint=0):
    """Rows from ``start`` that move one joint at ``speed`` per s."""
    path = np.tile(start, (rows, 1))
    path[:, joint] += speed * ROW * np.arange(1, rows + 1)
    return path

