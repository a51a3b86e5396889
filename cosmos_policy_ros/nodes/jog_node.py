"""Jogging: handles on both hands in RViz, and a gamepad, as one source of rows for the safety supervisor.

Whoever grabs a handle, or presses a dead-man button, gets the arms: from the policy by a takeover, else by arming at the
reduced speed. Arms that were armed so are given back when nobody has held on for a while; those that were taken from the
policy stay until they are handed back.
"""
import time
from dataclasses import dataclass
from functools import partial

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState, Joy
from visualization_msgs.msg import InteractiveMarkerFeedback

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.gamepad import Gamepad, GamepadLayout
from cosmos_policy_ros.control.jog_request import Wish, on_grab, on_hand_back, on_idle
from cosmos_policy_ros.control.jogging import Jogging, JogSettings
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD, SIDES, Side
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.srv import Arm, Takeover

from .clock import NodeClock, seconds
from .convert import driver_motors
from .handles import CLOSE, HAND_BACK, OPEN, entry_of, handle, pose_matrix, side_of
from .interactive import InteractiveServer
from .parameters import ParameterError, declare, parameter
from .qos import SENSOR
from .robot import ArmParameters
from .row_source import RowSource
from .running import run

NAMESPACE = '/cosmos_policy/handles'
SHOW_PERIOD = 0.1
OPENINGS = {OPEN: 1.0, CLOSE: 0.0}


@dataclass(frozen=True)
class JogParameters(ArmParameters):
    """Parameters of jogging beside the names of the arms."""

    safety_config: str = parameter('safety.yaml', 'the supervisor\'s limits, so that nothing is asked that it would refuse')
    source: str = parameter('jog', 'authority that this node is: one of operator_authorities in the safety configuration')
    frame: str = parameter('world', 'name of the cell frame, in which the handles are')
    speed_limit: float = parameter(0.2, 'm/s of a hand', 0.01, 0.5)
    turn_speed_limit: float = parameter(0.8, 'rad/s of a hand', 0.05, 2.0)
    joint_speed_limit: float = parameter(2.0, 'rad/s of a joint', 0.1, 3.0)
    gripper_speed_limit: float = parameter(1.0, 'openings/s', 0.1, 4.0)
    silence: float = parameter(0.5, 's without a word of RViz after which a handle counts as let go', 0.3, 2.0)
    idle_release: float = parameter(1.0, 's after which arms that were armed by taking hold are given back', 0.2, 60.0)
    joy_topic: str = parameter('/joy', 'sensor_msgs/Joy of the gamepad\'s driver, which has to repeat its messages: '
                                       '"joy_node" of the package joy with autorepeat_rate 20.0')
    joy_silence: float = parameter(0.2, 's without a message after which its buttons have to be pressed anew', 0.05, 1.0)
    joy_axes: list = parameter([0, 1, 4, 7, 6, 3], 'numbers of the axes for x, y, z of the cell, and for turns about them')
    joy_signs: list = parameter([-1, 1, 1, -1, 1, 1], '1 or -1 for each of joy_axes; 0 leaves it out')
    joy_left: int = parameter(4, 'number of the dead-man button of the left arm', 0, 63)
    joy_right: int = parameter(5, 'number of the dead-man button of the right arm', 0, 63)
    joy_close: int = parameter(0, 'number of the button that closes grippers', 0, 63)
    joy_open: int = parameter(1, 'number of the button that opens them', 0, 63)
    joy_hand_back: int = parameter(7, 'number of the button that hands the arms back', 0, 63)
    joy_dead_zone: float = parameter(0.1, 'share of a stick\'s way that counts as nothing', 0.0, 0.5)

    @property
    def layout(self):
        """``GamepadLayout``.

        Raises:
            ParameterError: not six axes and six signs, or one button for two things.
        """
        if not len(self.joy_axes) == len(self.joy_signs) == 6 or min(self.joy_axes) < 0:
            raise ParameterError('parameters joy_axes and joy_signs need six numbers each, axes from 0 on')
        buttons = (self.joy_left, self.joy_right, self.joy_close, self.joy_open, self.joy_hand_back)
        if len(set(buttons)) < len(buttons):
            raise ParameterError(f'parameters joy_left, _right, _close, _open, _hand_back name a button twice: {buttons}')
        return GamepadLayout(
            tuple(self.joy_axes), tuple(self.joy_signs), {Side.LEFT: self.joy_left, Side.RIGHT: self.joy_right}, self.joy_close,
            self.joy_open, self.joy_hand_back, self.speed_limit, self.turn_speed_limit, self.joy_dead_zone)


class JogNode(Node):
    """Wires handles, gamepad and the supervisor's status to ``control.jogging.Jogging``."""

    def __init__(self):
        super().__init__('jog')
        self._p = p = declare(self, JogParameters)
        self._time = NodeClock(self)
        envelope = Envelope(load_config(config_file(p.safety_config)))
        if p.source not in envelope.config.operator_authorities:
            raise ParameterError(f'parameter source: {p.source!r} is none of operator_authorities in {p.safety_config}')
        self._core = Jogging(
            JogSettings(envelope.limits.acceleration, p.speed_limit, p.turn_speed_limit, p.joint_speed_limit,
                        p.gripper_speed_limit, silence=p.silence, stick_silence=p.joy_silence), envelope.config.cell,
            lambda row, position, velocity: envelope.admit(
                row, position, velocity, self._source.status.speed_scale, self._source.status.hand_speed))
        self._gamepad, self._told = Gamepad(p.layout, p.joy_silence), ''
        self._source = RowSource(self, self._time, (p.source,), self._core, self._on_started)
        self._joints, self._dragging, self._sticks, self._openings = {}, {}, set(), {}
        self._asking, self._refused, self._wanted = False, '', float('-inf')
        self._arm = self.create_client(Arm, '/cosmos_policy/arm')
        self._takeover = self.create_client(Takeover, '/cosmos_policy/takeover')
        self._handles = InteractiveServer(self, NAMESPACE, chosen=self._on_choice, dragged=self._on_drag)
        for side in SIDES:
            self.create_subscription(JointState, f'{p.arm(side)}/joint_states', partial(self._on_joints, side), SENSOR)
        self.create_subscription(Joy, p.joy_topic, self._on_joy, SENSOR)
        self._time.timer(CONTROL_PERIOD / 4, self._play)
        self.create_timer(SHOW_PERIOD, self._show, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_joints(self, side, message):
        self._joints[side] = driver_motors(message)[:6]

    def _on_drag(self, feedback):
        """One client at a time has a handle: whoever grabbed it first, until it lets go or falls silent."""
        side, now, event = side_of(feedback.marker_name), self._time.now(), feedback.event_type
        client, heard = self._dragging.get(side, ('', float('-inf')))
        if now - heard > self._p.silence:
            client = ''
        if event == InteractiveMarkerFeedback.MOUSE_DOWN and not client:
            client = feedback.client_id
            self._take()
        if not client or client != feedback.client_id:
            return
        if event == InteractiveMarkerFeedback.MOUSE_UP:
            del self._dragging[side]
            self._core.let_go(side)
            self._wanted = float('-inf')
            return
        self._dragging[side] = client, now
        try:
            if feedback.header.frame_id != self._p.frame:
                raise ValueError(f'moved in the frame {feedback.header.frame_id!r}, expected {self._p.frame!r}: set it as '
                                 'RViz\' fixed frame')
            self._core.aim(side, pose_matrix(feedback.pose), now)
        except ValueError as error:
            self.get_logger().error(f'{feedback.marker_name}: {error}', throttle_duration_sec=1.0)

    def _on_choice(self, name, number):
        entry = entry_of(number)
        if entry == HAND_BACK:
            self._hand_back()
        elif entry:
            self._grip({side_of(name): OPENINGS[entry]})

    def _on_joy(self, message):
        asked = self._gamepad.observe(seconds(message.header.stamp), message.axes, message.buttons, time.monotonic())
        if self._gamepad.problem != self._told:
            self._told = self._gamepad.problem
            self.get_logger().warning(self._told or 'the gamepad is as expected')
        if asked.hand_back:
            self._hand_back()
            return
        if asked.grabbed:
            self._take()
        for side in self._sticks - set(asked.moves):
            self._core.let_go(side)
        self._sticks = set(asked.moves)
        for side, velocity in asked.moves.items():
            self._core.push(side, velocity, self._time.now())
        self._grip(asked.openings)

    def _grip(self, openings):
        """Now, or as soon as the arms are given."""
        if openings and self._core.epoch is None:
            self._openings.update(openings)
            self._take()
        for side, opening in openings.items():
            self._core.grip(side, opening)

    def _on_started(self):
        self._refused, self._wanted = '', float('-inf')
        for side, opening in self._openings.items():
            self._core.grip(side, opening)
        self._openings.clear()

    def _hand_back(self):
        status = self._source.status
        if status is not None:
            self._ask(on_hand_back(self._p.source, status.authority, status.origin))

    def _authority(self):
        return self._source.status.authority if self._source.status else ''

    def _take(self):
        """Ask for the arms; for ``silence`` again where nothing can be asked yet, as while they are just being given back."""
        self._wanted = self._time.now() + self._p.silence
        self._ask_for_arms()

    def _ask_for_arms(self):
        self._ask(on_grab(self._p.source, self._authority()))

    def _ask(self, wish):
        """Ask the supervisor, one thing at a time; its refusal is shown at the handles."""
        if wish is Wish.NONE or self._asking:
            return
        self._wanted, take = float('-inf'), wish is Wish.TAKE
        if wish in (Wish.TAKE, Wish.HAND_BACK):
            client, request = self._takeover, Takeover.Request(take=take, authority=self._p.source if take else '')
        else:
            arm = wish is Wish.ARM
            client, request = self._arm, Arm.Request(arm=arm, authority=self._p.source if arm else '', reduced=arm)
        if not client.service_is_ready():
            self._refused = 'the safety supervisor is not there'
            return
        self._asking = True
        client.call_async(request).add_done_callback(partial(self._on_answer, wish))

    def _on_answer(self, wish, future):
        self._asking, reply = False, future.result()
        self._refused = '' if reply.accepted else f'{wish.value}: {"; ".join(reply.blockers)}'
        if self._refused:
            self._openings.clear()
            self.get_logger().warning(self._refused)

    def _play(self):
        self._source.play()
        if self._core.epoch is None and self._time.now() < self._wanted:
            self._ask_for_arms()
        if self._core.epoch is not None:
            status, idle = self._source.status, self._core.idle(self._time.now())
            self._ask(on_idle(self._p.source, status.authority, status.origin, idle, self._p.idle_release))

    def _show(self):
        """Handles where the hands are; one that is held is left alone, since RViz would drop it."""
        ours, shown = self._core.epoch is not None, []
        for side in SIDES:
            if side in self._dragging and self._time.now() - self._dragging[side][1] <= self._p.silence:
                continue
            if ours or side in self._joints:
                pose = self._core.hand(side) if ours else self._core.hand_at(side, self._joints[side])
                shown.append(handle(side, pose, self._p.frame, ours, self._core.problem(side) or self._refused))
        self._handles.show(shown)


def main():
    """Entry point of the executable ``jog_node``."""
    run(JogNode, (ParameterError, ConfigError))


if __name__ == '__main__':
    main()
