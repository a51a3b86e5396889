"""Everything the supervisor listens to besides rows, and what is wrong with it."""
import numpy as np

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ACTION_DIM, ARM_SLICE, SIDES

from .stop_sources import StopPanel
from .watchdog import Deadline, InputWatch, PictureWatch, Stamp, Stillness

DEAD_BUS_TOLERANCE = 0.005
"""rad; a driver that cannot read the bus reports raw zeros, every joint at -pi, with fresh stamps."""


class ArmInput:
    """Joint states of one arm.

    ``positions`` (7,): six rad and the gripper as a command; ``efforts`` (7,) mA; NaN until known. ``invalid`` says what
    is wrong with the newest sample, '' if nothing.
    """

    def __init__(self, config):
        self.watch = InputWatch(Deadline(config.joint_states_warn, config.joint_states_act), config.clock_step)
        self.rest = Stillness(config.rest_window, config.rest_motion)
        self.positions = np.full(7, np.nan)
        self.efforts = np.full(7, np.nan)
        self.invalid = ''
        self._gripper = GRIPPER_MAPS[config.gripper_map]

    def observe(self, positions, stamp, now, efforts=None):
        """Take a sample of (7,), six rad and the normalised gripper observation; returns its ``Stamp``.

        ``efforts`` (7,) mA: anything else than seven finite numbers is no measurement of currents.
        """
        positions = np.array(positions, dtype=float)
        self.invalid = self._fault(positions)
        if self.invalid:
            self.watch.forget()
            return Stamp.NEW
        kind = self.watch.seen(stamp, now)
        if kind is Stamp.NEW:
            finger = self._gripper.finger_from_observation(positions[6])
            self.positions[:6] = positions[:6]
            self.positions[6] = self._gripper.action_from_joint(self._gripper.joint_from_finger(finger))
            self.rest.add(positions[:6], now)
            measured = efforts is not None and np.shape(efforts) == (7,) and np.isfinite(efforts).all()
            self.efforts[:] = efforts if measured else np.nan
        return kind

    def forget_time(self):
        """The clock stepped: the arm has to be heard afresh."""
        self.watch.forget()
        self.rest.forget()

    @staticmethod
    def _fault(positions):
        if positions.shape != (7,):
            return f'shape {positions.shape}, expected (7,)'
        if not np.isfinite(positions).all():
            return f'not finite: {positions.tolist()}'
        if (np.abs(positions[:6] + np.pi) < DEAD_BUS_TOLERANCE).all():
            return 'all joints at -pi: the motor bus is dead'
        return ''


class CameraInput:
    """Images of one camera; ``arms`` (14,) bool marks the joints whose motion its pictures must show."""

    def __init__(self, config, name):
        self.watch = InputWatch(Deadline(config.camera_warn, config.camera_act), config.clock_step)
        self.picture = PictureWatch(config.camera_frozen, config.camera_motion)
        self._joints = np.zeros(ACTION_DIM, bool)
        for i, side in enumerate(SIDES):
            self._joints[ARM_SLICE[side]] = name not in config.wrist_cameras or name == config.wrist_cameras[i]

    def moved(self, measured, now):
        """The joints are measured at (14,) now."""
        self.picture.moved(measured[self._joints], now)

    def forget_time(self):
        """The clock stepped: the camera has to be heard afresh."""
        self.watch.forget()
        self.picture.forget()


class Inputs:
    """Joint states, cameras and stop sources of one ``SafetyConfig``."""

    def __init__(self, config):
        self.arms = {side: ArmInput(config) for side in SIDES}
        self.cameras = {name: CameraInput(config, name) for name in config.cameras}
        self.stops = StopPanel(config.stop_sources, config.stop_source_act, config.stop_source_echo)

    def measured(self):
        """(14,) positions with the grippers as commands; NaN for an arm not seen yet."""
        return np.concatenate([arm.positions for arm in self.arms.values()])

    def efforts(self):
        """(14,) mA; NaN where the newest sample carried none."""
        return np.concatenate([arm.efforts for arm in self.arms.values()])

    def sensed(self):
        """True once both arms were seen."""
        return not any(np.isnan(arm.positions[0]) for arm in self.arms.values())

    def at_rest(self, now):
        """True when both arms' measured joints stand still."""
        return all(arm.rest.still(now) for arm in self.arms.values())

    def forget_time(self):
        """The clock stepped: no time noted before means anything. What was measured and pressed stays."""
        for source in (*self.arms.values(), *self.cameras.values(), self.stops):
            source.forget_time()

    def ages(self, now):
        """s since the newest sample of every watched input, by name."""
        return {**{f'joint_states/{side.value}': arm.watch.age(now) for side, arm in self.arms.items()},
                **{f'camera/{name}': camera.watch.age(now) for name, camera in self.cameras.items()},
                **{f'stop/{name}': button.age(now) for name, button in self.stops.buttons.items()}}

    def blockers(self, now, cameras=True, fresh_for=0.0):
        """What is wrong, as sentences: inputs late or fresh for less than ``fresh_for`` s, stops not released."""
        found = []
        for side, arm in self.arms.items():
            if arm.invalid:
                found.append(f'joint states of the {side.value} arm are invalid: {arm.invalid}')
            else:
                found += _late(f'joint states of the {side.value} arm', arm.watch, now, fresh_for)
        for name, camera in self.cameras.items() if cameras else ():
            found += _late(f'camera {name}', camera.watch, now, fresh_for)
            if camera.picture.frozen:
                found.append(f'camera {name}: its pictures do not change')
        for name, button in self.stops.buttons.items():
            lost = button.lost(now)
            if button.pressed:
                found.append(f'stop source {name} is pressed')
            elif not self.stops.required(name):
                continue
            elif lost:
                found.append(f'stop source {name}: {lost}')
            elif button.released_for(now) < fresh_for:
                found.append(f'stop source {name}: released for {button.released_for(now):.2f} s, needs {fresh_for} s')
        return found


def _late(name, watch, now, fresh_for):
    if watch.late(now):
        age = watch.age(now)
        return [f'{name}: {"never seen" if np.isinf(age) else f"{age:.2f} s old"}']
    if watch.fresh_for(now) < fresh_for:
        return [f'{name}: fresh for {watch.fresh_for(now):.2f} s, needs {fresh_for} s']
    return []
