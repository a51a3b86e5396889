"""A button of a gamepad, or a pedal, as a stop source: what a joystick driver says, passed on as a level with heartbeat."""
import time
from dataclasses import dataclass

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import Joy

from cosmos_policy_ros.control.stop_device import StopDevice
from cosmos_policy_ros.msg import SafetyStatus

from .clock import seconds
from .parameters import ParameterError, declare, parameter
from .qos import LATCHED, SENSOR
from .running import StreamExecutor, run
from .stop_button import StopButton

PERIOD = 0.02
"""s between two looks at whether the device has fallen silent."""


@dataclass(frozen=True)
class StopDeviceParameters:
    """Parameters of a stop device."""

    source: str = parameter('pedal', 'id of the stop source; name it in stop_sources of the safety configuration to require it')
    topic: str = parameter('/joy', 'sensor_msgs/Joy of the device\'s driver, which has to repeat its messages: "joy_node" of '
                                   'the package joy with autorepeat_rate 20.0')
    button: int = parameter(0, 'number of the button in that message', 0, 63)
    normally_closed: bool = parameter(False, 'the message shows 1 while the button is not pressed')
    silence: float = parameter(0.15, 's without a message after which the source says nothing more', 0.05, 2.0)


class StopDeviceNode(Node):
    """Listens to one device."""

    def __init__(self):
        super().__init__('stop_device')
        p = declare(self, StopDeviceParameters)
        self._device, self._status, self._told = StopDevice(p.button, p.normally_closed, p.silence), None, ''
        self._stop = StopButton(self, p.source, lambda: self._status.counter if self._status else 0)
        self.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self.create_subscription(Joy, p.topic, self._on_joy, SENSOR)
        self.create_timer(PERIOD, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f'{p.source}: button {p.button} of {p.topic}')

    def _on_status(self, message):
        self._status = message

    def _on_joy(self, message):
        self._device.observe(seconds(message.header.stamp), message.buttons, time.monotonic())
        self._look()

    def _look(self):
        self._stop.set(self._device.pressed(time.monotonic()))
        if self._device.problem != self._told:
            self._told = self._device.problem
            self.get_logger().warning(self._told or 'heard again')


def main():
    """Entry point of the executable ``stop_device_node``."""
    run(StopDeviceNode, (ParameterError,), StreamExecutor)


if __name__ == '__main__':
    main()
