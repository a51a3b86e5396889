"""The rows of a recorded episode, once more through supervisor, recorder and conductor, at their own speed."""
from cosmos_policy_ros.bringup.launch_actions import describe


def generate_launch_description():
    return describe('replay', mode='replay')
