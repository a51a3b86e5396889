"""Names and constants of the robot's own interface: the parameters that every node shares."""
from dataclasses import dataclass

from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import Side

from .parameters import parameter


@dataclass(frozen=True)
class RobotParameters:
    """How arms and cameras are called. One file ``config/robot_<name>.yaml`` fills it for all nodes."""

    arm_left: str = parameter('follower_left', 'namespace of the left follower arm')
    arm_right: str = parameter('follower_right', 'namespace of the right follower arm')
    arm_group: str = parameter('arm', "driver's name for the six arm joints")
    gripper_joint: str = parameter('gripper', "driver's name for the gripper motor")
    gripper_map: str = parameter('ros1', 'gripper constants and linkage', choices=tuple(GRIPPER_MAPS))
    cam_high_topic: str = parameter('/cam_high/camera/color/image_rect_raw', 'images of the overhead camera')
    cam_left_wrist_topic: str = parameter('/cam_left_wrist/camera/color/image_rect_raw', 'images of the left wrist camera')
    cam_right_wrist_topic: str = parameter('/cam_right_wrist/camera/color/image_rect_raw',
                                           'images of the right wrist camera')

    def arm(self, side):
        """Namespace of an arm, with a leading slash."""
        return '/' + {Side.LEFT: self.arm_left, Side.RIGHT: self.arm_right}[side].strip('/')

    def image_topic(self, camera):
        """Topic of a camera's raw images."""
        return getattr(self, f'{camera}_topic')

    def info_topic(self, camera):
        """Topic of a camera's ``CameraInfo``, beside its images."""
        return self.image_topic(camera).rsplit('/', 1)[0] + '/camera_info'

    @property
    def gripper(self):
        """The chosen ``GripperMap``."""
        return GRIPPER_MAPS[self.gripper_map]
