"""Whether the arms follow: measured joints and motor currents against a servo model."""
import numpy as np

from cosmos_policy_ros.embodiment.joints import ACTION_DIM, GRIPPER_INDEX, JOINT_NAMES, SIDES

from .watchdog import Sustained

_ARMS = np.ones(ACTION_DIM, bool)
_ARMS[list(GRIPPER_INDEX.values())] = False

DEAF, SWAPPED = 0.1, 0.5
"""Shares: of the modelled motion below which a joint stands still; of the error with its own command below which an arm
follows the other's. Simulated experts: never below 0.63; the other's command never fits better by more than 0.013 rad."""


class ServoModel:
    """First-order lag of each joint behind its command.

    In the simulator the measured joints of expert episodes stay within 0.052 rad of it, of full-speed reversals too,
    while they lag the command itself by up to 0.4 rad.

    Args:
        arm, gripper: s, time constants, (6,) and a number.
    """

    def __init__(self, arm, gripper):
        self._lag = np.tile(np.array([*arm, gripper]), len(SIDES))
        self.positions = np.zeros(ACTION_DIM)

    def reset(self, measured):
        """Start from measured positions (14,)."""
        self.positions[:] = measured

    def advance(self, command, dt):
        """``command`` (14,) has been in force for ``dt`` s."""
        self.positions += (command - self.positions) * (1 - np.exp(-dt / self._lag))


class Window:
    """The last ``count`` pairs of modelled and measured positions (14,)."""

    def __init__(self, count):
        self._pairs = np.zeros((count, 2, ACTION_DIM))
        self.clear()

    def clear(self):
        """Begin again."""
        self._taken = 0

    def add(self, modelled, measured):
        """Take the positions of this cycle."""
        place = self._pairs[self._taken % len(self._pairs)]
        place[0], place[1] = modelled, measured
        self._taken += 1

    def full(self):
        """True once the window spans its whole length."""
        return self._taken >= len(self._pairs)

    def ranges(self):
        """(2, 14) how far the model and the measurement moved within the window."""
        return np.ptp(self._pairs, axis=0)

    def displacements(self):
        """(2, 14) by how much the model and the measurement differ from the window's begin."""
        newest, oldest = (self._pairs[(self._taken + back) % len(self._pairs)] for back in (-1, 0))
        return newest - oldest


class Following:
    """Judges in each cycle whether the arms do what they are told.

    What each finding means is in ``causes``, the numbers are in ``config/safety.yaml``. ``watched``: (cause id, source) of
    everything that it may find.

    Args:
        config: ``SafetyConfig``.
    """

    def __init__(self, config):
        self._config = config
        self._model = ServoModel(config.servo_lag, config.gripper_lag)
        self._window = Window(round(config.follow_window / config.tick_period))
        times = {'tracking_error': config.tracking_time, 'motor_off': config.tracking_time,
                 'gripper_dead': config.gripper_time, 'motor_current': config.current_time,
                 'motor_overload': config.current_time, 'gripper_strain': config.gripper_current_time}
        self._sustained = {(cause, side.value): Sustained(time) for cause, time in times.items() for side in SIDES}
        self.watched = (*self._sustained, ('arms_swapped', 'both'), *(
            (cause, side.value) for cause in ('tracking_lag', 'command_ignored') for side in SIDES))

    def reset(self, measured):
        """A source is about to command arms that are measured at (14,)."""
        self._model.reset(measured)
        self._window.clear()
        for sustained in self._sustained.values():
            sustained.forget()

    def forget_strain(self):
        """Let a gripper's time at its current limit begin afresh, so that its new source can open it."""
        for side in SIDES:
            self._sustained['gripper_strain', side.value].forget()

    def findings(self, command, measured, efforts, dt, now):
        """(cause id, holds, source, detail) of every condition.

        Args:
            command: (14,) in force for the last ``dt`` s. measured: (14,). efforts: (14,) mA, NaN where unknown.
        """
        self._model.advance(command, dt)
        self._window.add(self._model.positions, measured)
        ahead = self._model.positions - measured
        found = []
        for i, side in enumerate(SIDES):
            found += self._judge(side, ahead[7 * i:7 * i + 7], np.abs(efforts[7 * i:7 * i + 7]), now)
        return found + self._motion(np.abs(efforts))

    def _judge(self, side, ahead, currents, now):
        """Findings of one arm from how far the model is ``ahead`` (7,) and its ``currents`` (7,) mA."""
        config, off = self._config, np.abs(ahead)
        worst = int(off[:6].argmax())
        lag = f'{_name(side, worst)} {off[worst]:.2f} rad off the servo model'
        limp = (off[:6] > config.tracking_warn) & (currents[:6] < config.idle_current)
        hard = currents[:6] - config.current_warn
        strongest = f'{_name(side, int(np.argmax(hard)))} {currents[int(np.argmax(hard))]:.0f} mA'
        # Opening is never blocked by what is held; closing is, and then the motor pulls.
        dead = ahead[6] > config.gripper_tolerance or (
            off[6] > config.gripper_tolerance and currents[6] < config.idle_current)
        conditions = [
            ('tracking_error', off[worst] > config.tracking_act, lag),
            ('motor_off', limp.any(), f'{_name(side, int(limp.argmax()))}, {lag}'),
            ('gripper_dead', dead, f'{off[6]:.2f} openings off the servo model'),
            ('motor_current', (hard > 0).any(), strongest),
            ('motor_overload', (currents[:6] > config.current_act).any(), strongest),
            ('gripper_strain', currents[6] > config.gripper_current, f'{currents[6]:.0f} mA')]
        return [('tracking_lag', off[worst] > config.tracking_warn, side.value, lag)] + [
            (cause, self._sustained[cause, side.value].holds(holds, now), side.value, detail)
            for cause, holds, detail in conditions]

    def _motion(self, currents):
        """Findings from how model and measurement moved over the window."""
        config, full = self._config, self._window.full()
        modelled, moved = self._window.ranges()
        # A joint that stands still under load is blocked: that is for the tracking error to tell.
        deaf = (modelled > config.follow_motion) & (moved < DEAF * modelled) & ~(currents > config.load_current) & _ARMS
        told, done = self._window.displacements()
        other = np.concatenate([told[7:], told[:7]])
        straight, crossed = (float(np.linalg.norm((done - wanted)[_ARMS])) for wanted in (told, other))
        found = [('arms_swapped', full and straight > config.follow_motion and crossed < SWAPPED * straight, 'both',
                  f'moved {crossed:.2f} rad off the other arm\'s command, {straight:.2f} rad off their own')]
        for i, side in enumerate(SIDES):
            names = ', '.join(JOINT_NAMES[7 * i + j] for j in np.flatnonzero(deaf[7 * i:7 * i + 7]))
            found.append(('command_ignored', full and bool(names), side.value, names))
        return found


def _name(side, joint):
    return JOINT_NAMES[7 * SIDES.index(side) + joint]
