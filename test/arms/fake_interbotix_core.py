"""A fake ``interbotix_xs_modules.xs_robot.core``: records the calls of one arm; ``hang`` never returns."""
import threading
from types import SimpleNamespace

HANGING = 'fake_hanging_arm'


class InterbotixRobotXSCore:
    def __init__(self, robot_model, robot_name):
        self.robot_model, self.robot_name, self.calls = robot_model, robot_name, []

    def __getattr__(self, method):
        if not method.startswith('robot_'):
            raise AttributeError(method)

        def call(*arguments):
            self.calls.append((method, *arguments))
            if self.robot_name == HANGING:
                threading.Event().wait(5.0)
            return SimpleNamespace(values=[3, 4], mode='position', profile_type='velocity', joint_names=['waist'],
                                   joint_lower_limits=[-1.0], joint_upper_limits=[1.0])
        return call
