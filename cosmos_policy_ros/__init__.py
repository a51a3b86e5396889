"""Cosmos Policy on the bimanual ALOHA robot, as a ROS 2 package."""
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)  # the generated msg/, srv/ and action/ may lie in another folder
