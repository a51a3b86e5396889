"""The simulated ALOHA alone: arms, cameras, clock, where the real robot would stand."""
from cosmos_policy_ros.bringup.launch_actions import describe


def generate_launch_description():
    return describe('sim')
