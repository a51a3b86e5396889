"""The MuJoCo model of the ALOHA cell, written from code: two ViperX 300 S arms of primitives, table, cameras, servos.

Link frames are those of ``embodiment.kinematics``. Inertials are the URDF's, servo gains those identified for ALOHA 2
(MuJoCo Menagerie ``aloha``). Collision groups: an arm meets the other arm, the table and objects, not itself, except
that its two finger pads meet each other.
"""
from dataclasses import dataclass

import mujoco
import numpy as np

from ..embodiment.cell import Cell
from ..embodiment.joints import ARM_JOINTS, SIDES, Side
from ..embodiment.kinematics import JOINT_AXES, JOINT_ORIGINS, LINKS
from ..embodiment.limits import ARM_LOWER, ARM_UPPER

TIMESTEP = 0.002
"""s of one physics step."""

FINGER_RANGE = (0.019, 0.058)
"""m, travel of each finger: a little wider than the URDF's 0.021..0.057 so that closed fingers can squeeze."""

PAD_FACE = 0.0224
"""m from a finger's origin to its gripping face; the opening between the faces is 2 (finger - PAD_FACE)."""

CAMERA_FOVY = {'cam_high': 50.0, 'cam_left_wrist': 58.0, 'cam_right_wrist': 58.0}
"""Vertical field of view (degrees) of the 4:3 image."""


@dataclass(frozen=True)
class Servo:
    """Position servo: stiffness N m/rad, damping N m s/rad, armature kg m2, dry friction N m, torque limit N m."""

    stiffness: float
    damping: float
    armature: float
    friction: float
    limit: float


SERVOS = (
    Servo(43.0, 5.76, 0.0, 0.0, 35.0),
    Servo(265.0, 20.0, 0.395, 2.0, 144.0),
    Servo(227.0, 18.49, 0.383, 1.15, 59.0),
    Servo(78.0, 6.78, 0.14, 0.0, 22.0),
    Servo(37.0, 6.28, 0.008, 0.0, 35.0),
    Servo(10.4, 1.2, 0.0, 0.0, 35.0),
)
"""In the order of ``ARM_JOINTS``."""

FINGER_STIFFNESS, FINGER_DAMPING, FINGER_FORCE = 2000.0, 124.0, 35.0
"""N/m, N s/m and N of the gripper's servo at one finger."""

_AXES = ('1 0 0', '0 1 0', '0 0 1')

# Mass (kg), centre of mass (m), diagonal inertia (1e-4 kg m2) of the moving links.
_INERTIA = {
    'shoulder': (0.799, (0.0003, 0, 0.0116), (12.0, 11.4, 9.4)),
    'upper_arm': (0.793, (0.0207, 0, 0.2265), (91.1, 89.3, 7.6)),
    'upper_forearm': (0.322, (0.1057, 0, 0), (14.4, 13.4, 1.5)),
    'lower_forearm': (0.415, (0.0513, 0.0068, 0), (5.9, 5.5, 1.6)),
    'wrist': (0.115, (0.0467, 0, 0.0106), (0.55, 0.46, 0.43)),
    'gripper': (0.252, (0.0396, 0, 0.004), (6.9, 6.5, 4.7)),
}

# m, in the link frame: ('cylinder', radius, half height, centre, axis) or ('box', half sizes, centre).
_SHAPES = {
    'base': [('cylinder', 0.098, 0.022, (0, 0, 0.022), 'z'), ('box', (0.062, 0.045, 0.035), (-0.132, 0, 0.035)),
             ('cylinder', 0.060, 0.018, (0, 0, 0.060), 'z')],
    'shoulder': [('cylinder', 0.058, 0.016, (0, 0, 0.013), 'z'), ('box', (0.024, 0.050, 0.022), (0, 0, 0.040))],
    'upper_arm': [('box', (0.016, 0.051, 0.030), (0, 0, 0.028)), ('box', (0.015, 0.024, 0.125), (0.004, 0, 0.165)),
                  ('box', (0.042, 0.051, 0.020), (0.030, 0, 0.300))],
    'upper_forearm': [('box', (0.020, 0.050, 0.016), (0.016, 0, 0)), ('box', (0.075, 0.020, 0.015), (0.110, 0, 0)),
                      ('cylinder', 0.022, 0.010, (0.188, 0, 0), 'x')],
    'lower_forearm': [('box', (0.045, 0.024, 0.022), (0.040, 0.004, 0)),
                      ('box', (0.018, 0.036, 0.020), (0.096, 0.006, 0))],
    'wrist': [('box', (0.032, 0.026, 0.019), (0.028, 0, 0))],
    'gripper': [('box', (0.020, 0.020, 0.026), (0.020, 0, 0.006)), ('box', (0.017, 0.074, 0.016), (0.052, 0, 0)),
                ('box', (0.012, 0.030, 0.033), (0.040, 0, 0))],
}
_SERVO_HOUSINGS = {'shoulder': 1, 'upper_arm': 2, 'upper_forearm': 0, 'lower_forearm': 1, 'gripper': 0}

# Collision bits: left arm 1, right arm 2, table and objects 4.
_BITS = {Side.LEFT: 'contype="1" conaffinity="6"', Side.RIGHT: 'contype="2" conaffinity="5"'}
OBJECT_BITS = 'contype="4" conaffinity="7"'
NO_COLLISION = 'contype="0" conaffinity="0"'


def numbers(*values):
    """Values as MJCF writes them."""
    return ' '.join(f'{value:.9g}' for value in values)


def box(half, centre=(0, 0, 0), attributes=''):
    """A box geom of half sizes and centre in m."""
    return f'<geom type="box" size="{numbers(*half)}" pos="{numbers(*centre)}" {attributes}/>'


def _shape(shape, attributes):
    if shape[0] == 'box':
        return box(shape[1], shape[2], attributes)
    _, radius, half, centre, axis = shape
    turn = 'euler="0 1.5707963 0" ' if axis == 'x' else ''
    return (f'<geom type="cylinder" size="{numbers(radius, half)}" pos="{numbers(*centre)}" {turn}{attributes}/>')


def _camera(name, placement):
    """A 4:3 camera with a sensor size, so that a square render shows the whole 4:3 view squashed, not its middle."""
    focal = 0.5 * 3e-3 / np.tan(np.deg2rad(CAMERA_FOVY[name]) / 2)
    return (f'<camera name="{name}" {placement} resolution="640 480" sensorsize="0.004 0.003" '
            f'focal="{numbers(focal, focal)}"/>')


def _finger(side, name, sign):
    prefix, colour = side.value, 'material="finger"'
    contact = f'{_BITS[side]} condim="4" friction="1.2 0.01 0.0005" solref="0.01 1" solimp="0.95 0.99 0.001"'
    return f'''
<body name="{prefix}_{name}" pos="0.0687 0 0">
  <inertial mass="0.035" pos="0.04 {numbers(-0.015 * sign)} 0" diaginertia="2e-5 2e-5 1e-5"/>
  <joint name="{prefix}_{name}" type="slide" axis="0 {sign} 0" range="{numbers(*FINGER_RANGE)}" damping="40"
    armature="0.243"/>
  {box((0.020, 0.003, 0.0075), (0.065, -0.0194 * sign, 0), f'name="{prefix}_{name}_pad" {colour} {contact}')}
  {box((0.0135, 0.006, 0.011), (0.0325, -0.0134 * sign, 0), f'{colour} {contact}')}
  {box((0.012, 0.012, 0.030), (0.007, -0.0104 * sign, 0), f'{colour} {contact}')}
</body>'''


def _link(side, index):
    """The XML of link ``index`` with everything that hangs from it."""
    name, prefix = LINKS[index], side.value
    joint, servo = ARM_JOINTS[index - 1], SERVOS[index - 1]
    mass, centre, inertia = _INERTIA[name]
    shapes = ''.join(
        _shape(shape, f'{_BITS[side]} material="{"servo" if i == _SERVO_HOUSINGS.get(name) else "arm"}"')
        for i, shape in enumerate(_SHAPES[name]))
    if name == 'gripper':
        lens = 'pos="0.0254 0 0.0825" quat="0.59637 0.37993 -0.37993 -0.59637"'
        housing = (f'<geom type="box" size="0.021 0.021 0.0115" material="camera" {_BITS[side]} '
                   'pos="0.0109 0 0.08926" quat="0.59637 0.37993 -0.37993 -0.59637"/>')
        mount = box((0.006, 0.012, 0.026), (0.008, 0, 0.052), f'material="camera" {_BITS[side]}')
        children = (_camera(f'cam_{prefix}_wrist', lens) + housing + mount
                    + _finger(side, 'left_finger', 1) + _finger(side, 'right_finger', -1))
    else:
        children = _link(side, index + 1)
    return f'''
<body name="{prefix}_{name}" pos="{numbers(*JOINT_ORIGINS[index - 1])}">
  <inertial mass="{mass}" pos="{numbers(*centre)}" diaginertia="{numbers(*(1e-4 * i for i in inertia))}"/>
  <joint name="{prefix}_{joint}" axis="{_AXES[JOINT_AXES[index - 1]]}"
    range="{numbers(ARM_LOWER[index - 1], ARM_UPPER[index - 1])}" damping="{servo.damping}"
    armature="{servo.armature}" frictionloss="{servo.friction}"/>
  {shapes}{children}
</body>'''


def _arm(side, cell):
    x, y, z, yaw = cell.bases[side]
    base = ''.join(_shape(shape, f'material="arm" {NO_COLLISION}') for shape in _SHAPES['base'])
    quat = numbers(np.cos(yaw / 2), 0, 0, np.sin(yaw / 2))
    return f'<body name="{side.value}_base" pos="{numbers(x, y, z)}" quat="{quat}">{base}{_link(side, 1)}</body>'


def _servos(side):
    prefix = side.value
    arm = ''.join(f'<position name="{prefix}_{joint}" joint="{prefix}_{joint}" kp="{servo.stiffness}" '
                  f'forcerange="{numbers(-servo.limit, servo.limit)}"/>' for joint, servo in zip(ARM_JOINTS, SERVOS))
    gains = f'kp="{FINGER_STIFFNESS}" kv="{FINGER_DAMPING}" forcerange="{numbers(-FINGER_FORCE, FINGER_FORCE)}"'
    return f'{arm}<position name="{prefix}_gripper" joint="{prefix}_left_finger" {gains}/>'


def scene_xml(objects='', cell=Cell()):
    """MJCF of the cell with ``objects`` (MJCF bodies) on the table."""
    arms = ''.join(_arm(side, cell) for side in SIDES)
    servos = ''.join(_servos(side) for side in SIDES)
    couplings = ''.join(f'<joint joint1="{side.value}_right_finger" joint2="{side.value}_left_finger" '
                        'polycoef="0 1 0 0 0" solref="0.005 1"/>' for side in SIDES)
    pads = ''.join(f'<pair geom1="{side.value}_left_finger_pad" geom2="{side.value}_right_finger_pad" '
                   'solref="0.01 1"/>' for side in SIDES)
    top = cell.table_height
    table = box((0.61, 0.37, 0.02), (0, 0, top - 0.02),
                f'name="table" material="table" condim="4" friction="1 0.005 0.0005" solref="0.01 1" {OBJECT_BITS}')
    legs = ''.join(box((0.025, 0.025, 0.355), (x, y, top - 0.395), f'material="arm" {NO_COLLISION}')
                   for x in (-0.55, 0.55) for y in (-0.32, 0.32))
    return f'''
<mujoco model="aloha">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{TIMESTEP}" integrator="implicitfast" cone="elliptic" impratio="10"/>
  <size memory="8M"/>
  <statistic center="0 0 0.2" extent="1.2"/>
  <visual>
    <global offwidth="1280" offheight="960"/>
    <quality offsamples="0" shadowsize="0"/>
    <headlight ambient="0.38 0.38 0.38" diffuse="0.30 0.30 0.30" specular="0 0 0"/>
    <map znear="0.008" zfar="6"/>
  </visual>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1="0.78 0.80 0.83" rgb2="0.55 0.58 0.62" width="64" height="384"/>
    <texture name="floor" type="2d" builtin="checker" rgb1="0.30 0.31 0.33" rgb2="0.34 0.35 0.37" width="128"
      height="128"/>
    <material name="floor" texture="floor" texrepeat="8 8"/>
    <material name="table" rgba="0.56 0.50 0.42 1" specular="0.1"/>
    <material name="arm" rgba="0.17 0.17 0.18 1" specular="0.3" shininess="0.4"/>
    <material name="servo" rgba="0.26 0.27 0.30 1" specular="0.3" shininess="0.4"/>
    <material name="finger" rgba="0.30 0.30 0.32 1"/>
    <material name="camera" rgba="0.72 0.73 0.75 1"/>
  </asset>
  <worldbody>
    <light pos="0 -0.6 1.8" dir="0 0.35 -1" directional="true" castshadow="false" diffuse="0.55 0.55 0.53"
      specular="0.15 0.15 0.15"/>
    <geom name="floor" type="plane" size="3 3 0.1" pos="0 0 {numbers(top - 0.75)}" material="floor" {NO_COLLISION}/>
    {table}{legs}
    {_camera('cam_high', 'pos="0 -0.18 0.92" quat="0.99144 0.13053 0 0"')}
    {arms}
    {objects}
  </worldbody>
  <contact>{pads}</contact>
  <equality>{couplings}</equality>
  <actuator>{servos}</actuator>
</mujoco>'''


def build_model(objects='', cell=Cell()):
    """Compiled ``MjModel`` of the cell; its 14 actuators are in the order of the 14-vector."""
    return mujoco.MjModel.from_xml_string(scene_xml(objects, cell))
