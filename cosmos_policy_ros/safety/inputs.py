"""Everything the supervisor listens to besides rows, and what is wrong with it."""
import numpy as np

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import Side

from .stop_sources import CounterLog, StopButton
from .watchdog import Deadline, InputWatch, Stamp, Stillness

DEAD_BUS_TOLERANCE = 0.005
"""rad; a driver that cannot read the bus reports raw zeros, every joint at -pi, with fresh stamps."""


class ArmInput:
    """Joint states of one arm: ``positions`` (7,), six rad and the gripper as a command, None before the first."""

    def __init__(self, config):
        self.watch = InputWatch(Deadline(config.joint_states_warn, config.joint_states_act), config.clock_step)
        self.rest = Stillness(config.rest_window, config.rest_motion)
        self.positions = None
        self.invalid = ''
        self._gripper = GRIPPER_MAPS[config.gripper_map]

    def observe(self, positions, stamp, now):
        """Take a sample of (7,), six rad and the normalised gripper observation; returns its ``Stamp``."""
        positions = np.array(positions, dtype=float)
        self.invalid = self._fault(positions)
        if self.invalid:
            self.watch.forget()
            return Stamp.NEW
        kind = self.watch.seen(stamp, now)
        if kind is Stamp.NEW:
            finger = self._gripper.finger_from_observation(positions[6])
            positions[6] = self._gripper.action_from_joint(self._gripper.joint_from_finger(finger))
            self.positions = positions
            self.rest.add(positions, now)
        return kind

    @staticmethod
    def _fault(positions):
        if positions.shape != (7,):
            return f'shape {positions.shape}, expected (7,)'
        if not np.isfinite(positions).all():
            return f'not finite: {positions.tolist()}'
        if (np.abs(positions[:6] + np.pi) < DEAD_BUS_TOLERANCE).all():
            return 'all joints at -pi: the motor bus is dead'
        return ''


class Inputs:
    """Joint states, cameras and stop sources of one ``SafetyConfig``; ``counter`` is a ``CounterLog`` to go on with."""

    def __init__(self, config, counter=None):
        self._config = config
        self.arms = {side: ArmInput(config) for side in Side}
        self.cameras = {name: InputWatch(Deadline(config.camera_warn, config.camera_act), config.clock_step)
                        for name in config.cameras}
        self.stops = {name: self._button() for name in config.stop_sources}
        self.counter = counter or CounterLog()

    def observe_stop(self, name, pressed, sequence, counter_seen, now):
        """A stop source's message; one that is not configured counts from its first press on."""
        if name not in self.stops:
            if not pressed:
                return
            self.stops[name] = self._button()
        self.stops[name].observe(pressed, sequence, self.counter.behind(counter_seen, now), now)

    def _button(self):
        return StopButton(self._config.stop_source_act, self._config.stop_source_echo)

    def required(self, name):
        """True for a configured stop source, which must be there all the time."""
        return name in self._config.stop_sources

    def measured(self):
        """(14,) positions with the grippers as commands; None until both arms were seen."""
        if any(arm.positions is None for arm in self.arms.values()):
            return None
        return np.concatenate([arm.positions for arm in self.arms.values()])

    def at_rest(self, now):
        """True when both arms' measured joints stand still."""
        return all(arm.rest.still(now) for arm in self.arms.values())

    def ages(self, now):
        """s since the newest sample of every watched input, by name."""
        return {**{f'joint_states/{side.value}': arm.watch.age(now) for side, arm in self.arms.items()},
                **{f'camera/{name}': watch.age(now) for name, watch in self.cameras.items()},
                **{f'stop/{name}': button.age(now) for name, button in self.stops.items()}}

    def blockers(self, now, cameras=True, fresh_for=0.0):
        """What is wrong, as sentences: inputs late or fresh for less than ``fresh_for`` s, stops not released."""
        found = []
        for side, arm in self.arms.items():
            if arm.invalid:
                found.append(f'joint states of the {side.value} arm are invalid: {arm.invalid}')
            else:
                found += self._late(f'joint states of the {side.value} arm', arm.watch, now, fresh_for)
        if cameras:
            for name, watch in self.cameras.items():
                found += self._late(f'camera {name}', watch, now, fresh_for)
        for name, button in self.stops.items():
            if button.pressed:
                found.append(f'stop source {name} is pressed')
            elif not self.required(name):
                continue
            elif button.lost(now):
                found.append(f'stop source {name}: {button.lost(now)}')
            elif button.released_for(now) < fresh_for:
                found.append(f'stop source {name}: released for {button.released_for(now):.2f} s, needs {fresh_for} s')
        return found

    @staticmethod
    def _late(name, watch, now, fresh_for):
        if watch.late(now):
            age = watch.age(now)
            return [f'{name}: {"never seen" if np.isinf(age) else f"{age:.2f} s old"}']
        if watch.fresh_for(now) < fresh_for:
            return [f'{name}: fresh for {watch.fresh_for(now):.2f} s, needs {fresh_for} s']
        return []
