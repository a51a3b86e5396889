"""What a rollout recording holds, as data."""
from dataclasses import dataclass

OWN = '/cosmos_policy'
"""Namespace of the topics that exist on the robot and in the simulator alike but belong to this package."""

CHUNK = f'{OWN}/chunk'
SETPOINT = f'{OWN}/setpoint'
SAFETY_STATUS = f'{OWN}/safety_status'
PLAN_REPORT = f'{OWN}/plan_report'
EPISODE_EVENT = f'{OWN}/episode_event'
STOP = f'{OWN}/stop'
STEP = f'{OWN}/operator_step'
TASK_STATE = '/sim/task_state'

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'


@dataclass(frozen=True)
class RobotTopics:
    """Names and nominal rates (Hz) of the robot's streams; the defaults are the Interbotix ROS 2 ALOHA's.

    ``arms``: namespaces of the followers, left then right. ``images``: topics of raw images, in the order of
    ``cameras``. ``compressed``: taken from the topics ``.../compressed`` below them, as they come.
    """

    arms: tuple = ('/follower_left', '/follower_right')
    cameras: tuple = ('cam_left_wrist', 'cam_right_wrist', 'cam_high')
    images: tuple = tuple(f'/{camera}/camera/color/image_rect_raw' for camera in cameras)
    camera_rate: float = 25.0
    joint_rate: float = 100.0
    compressed: bool = False

    def __post_init__(self):
        for name in ('arms', 'cameras', 'images'):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.arms) != 2:
            raise ValueError(f'robot topics: expected the namespaces of two arms, left then right, got {self.arms}')
        if len(self.images) != len(self.cameras):
            raise ValueError(f'robot topics: {len(self.images)} image topics for the cameras {", ".join(self.cameras)}')

    def joint_states(self):
        """Topics of the measured joints, left then right."""
        return tuple(f'{arm}/joint_states' for arm in self.arms)

    def joint_groups(self):
        """Topics of the arm commands, left then right."""
        return tuple(f'{arm}/commands/joint_group' for arm in self.arms)

    def joint_singles(self):
        """Topics of the gripper commands, left then right."""
        return tuple(f'{arm}/commands/joint_single' for arm in self.arms)

    def compressed_images(self):
        """Topics of the images in a bag, in the order of ``cameras``."""
        return tuple(f'{topic}/compressed' for topic in self.images)

    def imagined(self):
        """Topics in a bag of the pictures that the policy imagined, in the order of ``cameras``."""
        return tuple(f'{OWN}/imagined/{camera}/compressed' for camera in self.cameras)


@dataclass(frozen=True)
class RecordedTopic:
    """One subscription of the recorder.

    ``rate``: nominal Hz, None where messages come with events. ``continuous``: must also cover the begin and the end
    of an episode. ``compress``: a raw image that is kept as JPEG. ``reliable``: False subscribes best effort, which
    matches either kind of publisher.
    """

    topic: str
    type: str
    rate: float = None
    continuous: bool = False
    compress: bool = False
    reliable: bool = True

    @property
    def bag_topic(self):
        """Name in the bag; image_transport's convention for compressed images."""
        return f'{self.topic}/compressed' if self.compress else self.topic

    @property
    def bag_type(self):
        """Type in the bag."""
        return COMPRESSED_IMAGE if self.compress else self.type


def _images(robot):
    if robot.compressed:
        return (RecordedTopic(topic, COMPRESSED_IMAGE, robot.camera_rate, continuous=True, reliable=False)
                for topic in robot.compressed_images())
    return (RecordedTopic(topic, IMAGE, robot.camera_rate, continuous=True, compress=True, reliable=False)
            for topic in robot.images)


def recorded_topics(robot):
    """All topics of a recording of the given ``RobotTopics``, as a tuple of ``RecordedTopic``."""
    return (
        *_images(robot),
        *(RecordedTopic(topic, 'sensor_msgs/msg/JointState', robot.joint_rate, continuous=True)
          for topic in robot.joint_states()),
        *(RecordedTopic(topic, 'interbotix_xs_msgs/msg/JointGroupCommand') for topic in robot.joint_groups()),
        *(RecordedTopic(topic, 'interbotix_xs_msgs/msg/JointSingleCommand') for topic in robot.joint_singles()),
        RecordedTopic(CHUNK, 'cosmos_policy_ros/msg/ActionChunk'),
        RecordedTopic(SETPOINT, 'cosmos_policy_ros/msg/JointSetpoint', 25.0),
        RecordedTopic(SAFETY_STATUS, 'cosmos_policy_ros/msg/SafetyStatus', 10.0, continuous=True),
        RecordedTopic(PLAN_REPORT, 'cosmos_policy_ros/msg/PlanReport'),
        *(RecordedTopic(topic.removesuffix('/compressed'), IMAGE, compress=True) for topic in robot.imagined()),
        RecordedTopic(EPISODE_EVENT, 'cosmos_policy_ros/msg/EpisodeEvent'),
        RecordedTopic(STOP, 'cosmos_policy_ros/msg/StopSource'),
        RecordedTopic(STEP, 'std_msgs/msg/String'),
        RecordedTopic(TASK_STATE, 'cosmos_policy_ros/msg/TaskState', reliable=False),
    )
