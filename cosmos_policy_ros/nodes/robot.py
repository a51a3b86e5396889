"""Names and constants of the robot's own interface: the parameters that every node shares."""
import os
from dataclasses import dataclass
from pathlib import Path

from cosmos_policy_ros.arms.arm import ArmNames, CallLimits
from cosmos_policy_ros.arms.calibration import CalibrationError, calibrated, load
from cosmos_policy_ros.arms.driver import Gains, Profile
from cosmos_policy_ros.arms.expectations import Expectations
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import Side

from .parameters import ParameterError, parameter

TRANSPORTS = ('raw', 'compressed')

CALIBRATION_FILE = 'gripper_calibration.yaml'
"""Where ``arms calibrate`` puts its measurements unless told otherwise."""


def state_path(name):
    """Full path of a file that outlives a run; a bare name lies in the user's state folder."""
    state = os.environ.get('XDG_STATE_HOME') or Path.home() / '.local' / 'state'
    return Path(state, 'cosmos_policy_ros', Path(name).expanduser())


@dataclass(frozen=True)
class ArmParameters:
    """How the arms are called and built. One file ``config/robot_<name>.yaml`` fills it for all nodes."""

    arm_left: str = parameter('follower_left', 'namespace of the left follower arm')
    arm_right: str = parameter('follower_right', 'namespace of the right follower arm')
    leader_left: str = parameter('leader_left', 'namespace of the left leader arm, with which a person teleoperates')
    leader_right: str = parameter('leader_right', 'namespace of the right leader arm')
    arm_group: str = parameter('arm', "driver's name for the six arm joints")
    gripper_joint: str = parameter('gripper', "driver's name for the gripper motor")
    gripper_map: str = parameter('ros1', 'gripper constants and linkage', choices=tuple(GRIPPER_MAPS))
    gripper_calibration: str = parameter('', 'file that "arms calibrate" wrote, for what the grippers are observed to be; a '
                                             'bare name lies in ~/.local/state/cosmos_policy_ros; empty: the map alone')

    def arm(self, side):
        """Namespace of an arm, with a leading slash."""
        return '/' + {Side.LEFT: self.arm_left, Side.RIGHT: self.arm_right}[side].strip('/')

    def leader(self, side):
        """Namespace of a leader arm, with a leading slash."""
        return '/' + {Side.LEFT: self.leader_left, Side.RIGHT: self.leader_right}[side].strip('/')

    @property
    def gripper(self):
        """The chosen ``GripperMap``."""
        return GRIPPER_MAPS[self.gripper_map]

    def observed_gripper(self, side):
        """The ``GripperMap`` of one arm for observations of a policy: the chosen one, with what was measured on this arm.

        Raises:
            ParameterError: the file of measurements cannot be used.
        """
        if not self.gripper_calibration:
            return self.gripper
        try:
            return calibrated(self.gripper, load(state_path(self.gripper_calibration), self.gripper_map)[side])
        except CalibrationError as error:
            raise ParameterError(f'parameter gripper_calibration: {error}') from error


@dataclass(frozen=True)
class CameraParameters:
    """What the cameras are called and have to deliver. One file ``config/cameras_<name>.yaml`` fills it for all nodes."""

    cam_high_topic: str = parameter('/cam_high/camera/color/image_rect_raw', 'raw images of the overhead camera')
    cam_left_wrist_topic: str = parameter('/cam_left_wrist/camera/color/image_rect_raw',
                                          'raw images of the left wrist camera')
    cam_right_wrist_topic: str = parameter('/cam_right_wrist/camera/color/image_rect_raw',
                                           'raw images of the right wrist camera')
    camera_transport: str = parameter('raw', 'raw: sensor_msgs/Image on these topics; compressed: JPEG or PNG on the topic '
                                      '"compressed" below each', choices=TRANSPORTS)
    camera_encodings: list = parameter(['rgb8', 'bgr8', 'rgba8', 'bgra8'], 'encodings that are taken; add mono8 for '
                                       'cameras that are grey on purpose')
    image_width: int = parameter(640, 'pixels; images of another size are refused', 64, 4096)
    image_height: int = parameter(480, 'pixels', 48, 4096)
    camera_rate: float = parameter(25.0, 'images a second that each camera has to give at least', 1.0, 120.0)
    cam_high_serial: str = parameter('', 'serial_no or video_device of the overhead camera; empty: any')
    cam_left_wrist_serial: str = parameter('', 'serial_no or video_device of the left wrist camera; empty: any')
    cam_right_wrist_serial: str = parameter('', 'serial_no or video_device of the right wrist camera; empty: any')

    def image_topic(self, camera):
        """Topic of a camera's raw images."""
        return getattr(self, f'{camera}_topic')

    def picture_topic(self, camera):
        """Topic on which a camera's pictures are taken, by the transport."""
        return self.image_topic(camera) + ('/compressed' if self.camera_transport == 'compressed' else '')

    def serial(self, camera):
        """Serial number or device that this camera has to be, '' for any."""
        return getattr(self, f'{camera}_serial')

    def info_topic(self, camera):
        """Topic of a camera's ``CameraInfo``, beside its images."""
        return self.image_topic(camera).rsplit('/', 1)[0] + '/camera_info'


@dataclass(frozen=True)
class RobotParameters(CameraParameters, ArmParameters):
    """Arms and cameras."""


@dataclass(frozen=True)
class MotorParameters(ArmParameters):
    """How the motors of a healthy follower are set, and how long its driver may take."""

    arm_mode: str = parameter('position', 'operating mode of the arm joints', choices=('position', 'ext_position'))
    gripper_mode: str = parameter('current_based_position', 'operating mode of the gripper: another one lets it overload',
                                  choices=('current_based_position', 'position'))
    profile_type: str = parameter('velocity', 'kind of the two profile values', choices=('velocity', 'time'))
    profile_velocity: int = parameter(0, '0.229 rpm, or ms; 0 unlimited: the stream of commands shapes the motion', 0, 32767)
    profile_acceleration: int = parameter(0, '214.577 rev/min2, or ms; 0 unlimited', 0, 32767)
    position_p_gain: int = parameter(800, 'Position_P_Gain of every motor', 1, 16383)
    position_i_gain: int = parameter(0, 'Position_I_Gain of every motor', 0, 16383)
    position_d_gain: int = parameter(0, 'Position_D_Gain of every motor', 0, 16383)
    gripper_current_limit: int = parameter(200, 'Current_Limit of the gripper in counts of 2.69 mA', 1, 1193)
    temperature_limit: int = parameter(65, 'degrees Celsius that no motor may reach before a run', 30, 80)
    state_rate: float = parameter(80.0, 'Hz of joint states that have to come at least', 10.0, 200.0)
    state_window: float = parameter(2.0, 's over which the rate is counted', 0.5, 10.0)
    shadow_motors: list = parameter(['shoulder_shadow', 'elbow_shadow'], 'motors that mirror another one, as the driver calls '
                                                                         'them')
    shadowed_motors: list = parameter(['shoulder', 'elbow'], 'the motor that each of shadow_motors mirrors')
    call_limit: float = parameter(2.0, 's that the driver has to answer', 0.1, 60.0)
    mode_limit: float = parameter(0.5, 's more for each motor whose mode changes', 0.0, 10.0)
    reboot_limit: float = parameter(8.0, 's more for a motor that restarts', 1.0, 60.0)

    @property
    def arm_names(self):
        """The driver's ``ArmNames``.

        Raises:
            ParameterError: shadows without the motors that they mirror.
        """
        if len(self.shadow_motors) != len(self.shadowed_motors):
            raise ParameterError('parameters shadow_motors and shadowed_motors: one has '
                                 f'{len(self.shadow_motors)} names, the other {len(self.shadowed_motors)}; pair them')
        return ArmNames(self.arm_group, self.gripper_joint, dict(zip(self.shadow_motors, self.shadowed_motors)))

    @property
    def call_limits(self):
        """``CallLimits`` of the driver."""
        return CallLimits(self.call_limit, self.mode_limit, self.reboot_limit)

    def expectations(self, safety_gripper_map):
        """``Expectations`` of both arms; ``safety_gripper_map`` is the one of the safety configuration."""
        return Expectations(
            self.state_rate, self.state_window, self.temperature_limit, self.arm_mode, self.gripper_mode,
            Profile(self.profile_type, self.profile_velocity, self.profile_acceleration),
            Gains(self.position_p_gain, self.position_i_gain, self.position_d_gain), self.gripper_current_limit,
            (self.gripper_map, safety_gripper_map))
