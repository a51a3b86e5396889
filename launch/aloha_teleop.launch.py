"""Leader arms, supervisor, recorder and conductor for the robot: a person teleoperates and collects demonstrations."""
from cosmos_policy_ros.bringup.launch_actions import describe


def generate_launch_description():
    return describe('teleop', mode='teleop')
