"""Policy, supervisor, recorder and conductor for the robot, best of several imagined futures."""
from cosmos_policy_ros.bringup.launch_actions import describe


def generate_launch_description():
    return describe('policy', mode='planning')
