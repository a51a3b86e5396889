"""A second opinion on kinematics and distances: pinocchio for the arms, coal for capsules, boxes and planes.

Written from the published description of the robot and the table of capsules, without the package's own formulas.
"""
import coal
import numpy as np
import pinocchio

# Vendor description of the aloha_vx300s: joint origin in the parent frame (m), axis.
CHAIN = (('waist', (0, 0, 0.079), 'z'), ('shoulder', (0, 0, 0.04805), 'y'), ('elbow', (0.05955, 0, 0.3), 'y'),
         ('forearm_roll', (0.2, 0, 0), 'x'), ('wrist_angle', (0.1, 0, 0), 'y'), ('wrist_rotate', (0.069744, 0, 0), 'x'))
AXES = {'x': '1 0 0', 'y': '0 1 0', 'z': '0 0 1'}
FINGER_X = 0.0687

# Number of joints above it, then ends and radius (m) in the link's frame.
CAPSULES = {
    'base': (0, (-0.100, 0, 0.010), (0.024, 0, 0.010), 0.105),
    'shoulder': (1, (0, 0, 0.012), (0, 0, 0.024), 0.065),
    'upper_arm': (2, (0, 0, 0.0235), (0.0375, 0, 0.3015), 0.059),
    'upper_forearm': (3, (0.0065, 0, 0), (0.150, 0, 0), 0.0535),
    'lower_forearm': (4, (0.011, 0.010, 0), (0.0955, 0.008, 0), 0.0395),
    'wrist': (5, (0.009, 0, 0.004), (0.052, 0, 0.010), 0.036),
    'gripper': (6, (0.040, -0.051, 0.005), (0.040, 0.051, 0.005), 0.0505),
    'left_finger': (7, (0.004, -0.0112, 0), (0.0543, -0.0108, 0), 0.034),
    'right_finger': (8, (0.004, 0.0112, 0), (0.0543, 0.0108, 0), 0.034),
    'camera': (6, (0, 0, 0.050), (0.012, 0, 0.088), 0.034),
}
HAND = ('gripper', 'left_finger', 'right_finger', 'camera')
BASES = {'left': ((-0.469, -0.019, 0.02), '0'), 'right': ((0.469, -0.019, 0.02), '3.141592653589793')}


def _urdf():
    links, joints = ['<link name="link_0"/>'], []
    for number, (name, origin, axis) in enumerate(CHAIN, 1):
        links.append(f'<link name="link_{number}"/>')
        joints.append(f'<joint name="{name}" type="revolute"><parent link="link_{number - 1}"/>'
                      f'<child link="link_{number}"/><origin xyz="{" ".join(map(str, origin))}"/>'
                      f'<axis xyz="{AXES[axis]}"/><limit lower="-4" upper="4" velocity="9" effort="9"/></joint>')
    for number, (name, axis) in enumerate((('left_finger', '0 1 0'), ('right_finger', '0 -1 0')), 7):
        links.append(f'<link name="link_{number}"/>')
        joints.append(f'<joint name="{name}" type="prismatic"><parent link="link_6"/><child link="link_{number}"/>'
                      f'<origin xyz="{FINGER_X} 0 0"/><axis xyz="{axis}"/>'
                      '<limit lower="-1" upper="1" velocity="9" effort="9"/></joint>')
    return f'<robot name="arm">{"".join(links)}{"".join(joints)}</robot>'


def finger_distance(action):
    """m of a normalised command with the constants of the published data: crank of 22 mm, rod of 36 mm."""
    angle = -0.6213 + action * (1.4910 + 0.6213)
    return 0.022 * np.sin(angle) + np.sqrt(0.036 ** 2 - (0.022 * np.cos(angle)) ** 2)


class Arm:
    """One arm on its base; ``placements`` (9,) coal transforms of its links."""

    def __init__(self, side):
        self._model = pinocchio.buildModelFromXML(_urdf())
        self._data = self._model.createData()
        (x, y, z), yaw = BASES[side]
        self._base = pinocchio.SE3(pinocchio.rpy.rpyToMatrix(0.0, 0.0, float(yaw)), np.array([x, y, z]))
        self._frames = [self._model.getFrameId(f'link_{number}') for number in range(9)]

    def placements(self, vector):
        """Poses of the links for (7,): six rad and a normalised gripper."""
        finger = finger_distance(vector[6])
        pinocchio.framesForwardKinematics(self._model, self._data, np.array([*vector[:6], finger, finger]))
        return [self._base * self._data.oMf[frame] for frame in self._frames]

    def axes(self, vector):
        """{capsule: (2, 3) m, ends of its axis}."""
        links = self.placements(vector)
        return {name: np.array([links[link].act(np.array(end, dtype=float)) for end in (a, b)])
                for name, (link, a, b, _) in CAPSULES.items()}


def _capsule(ends, radius):
    """Coal's capsule lies along z around its middle."""
    along = ends[1] - ends[0]
    turn = pinocchio.Quaternion.FromTwoVectors(np.array([0.0, 0.0, 1.0]), along / np.linalg.norm(along)).matrix()
    return coal.Capsule(radius, np.linalg.norm(along)), coal.Transform3s(turn, ends.mean(axis=0))


class Oracle:
    """Distances of both arms to each other and to boxes."""

    def __init__(self):
        self.arms = {side: Arm(side) for side in BASES}

    def capsules(self, vector):
        """{(side, capsule): coal shape and placement} for (14,)."""
        return {(side, name): _capsule(ends, CAPSULES[name][3]) for i, (side, arm) in enumerate(self.arms.items())
                for name, ends in arm.axes(vector[7 * i:7 * i + 7]).items()}

    def between_arms(self, vector):
        """(10, 10) m, [left, right] in the order of ``CAPSULES``."""
        shapes = self.capsules(vector)
        return np.array([[_distance(shapes['left', one], shapes['right', other]) for other in CAPSULES]
                         for one in CAPSULES])

    def to_box(self, vector, lower, upper):
        """(2, 10) m between each capsule and a box."""
        lower, upper = np.asarray(lower), np.asarray(upper)
        box = coal.Box(*(upper - lower)), coal.Transform3s(np.eye(3), (lower + upper) / 2)
        shapes = self.capsules(vector)
        return np.array([[_distance(shapes[side, name], box) for name in CAPSULES] for side in BASES])

    def inside(self, vector, lower, upper):
        """(2, 10) m of room that each capsule has to the nearest face of the box around it."""
        room = []
        for i, arm in enumerate(self.arms.values()):
            for name, ends in arm.axes(vector[7 * i:7 * i + 7]).items():
                radius = CAPSULES[name][3]
                room.append(min((ends - radius - np.asarray(lower)).min(), (np.asarray(upper) - ends - radius).min()))
        return np.array(room).reshape(2, 10)


def _distance(one, other):
    result = coal.DistanceResult()
    return coal.distance(one[0], one[1], other[0], other[1], coal.DistanceRequest(), result)


class HandPoints:
    """Points all over the surface of a hand with open fingers; ``all`` (n, 3) m in the gripper link."""

    def __init__(self, count=2000):
        rng = np.random.default_rng(0)
        self._arms = [Arm(side) for side in BASES]
        self.all = []
        for name in HAND:
            link, a, b, radius = CAPSULES[name]
            shift = np.array([FINGER_X, {7: 1, 8: -1}.get(link, 0) * 0.058, 0]) if link > 6 else np.zeros(3)
            direction = rng.normal(size=(count // 4, 3))
            where = np.array(a) + rng.choice([0.0, 1.0], (count // 4, 1)) * np.subtract(b, a)
            self.all.append(where + shift + radius * direction / np.linalg.norm(direction, axis=1, keepdims=True))
        self.all = np.concatenate(self.all)

    def travel(self, start, end):
        """(2,) m by which the fastest of them moves, per hand, fingers held open."""
        moved = []
        for i, arm in enumerate(self._arms):
            one, other = (arm.placements(vector[7 * i:7 * i + 7])[6] for vector in (start, end))
            one, other = ((pose.rotation @ self.all.T).T + pose.translation for pose in (one, other))
            moved.append(np.linalg.norm(other - one, axis=1).max())
        return np.array(moved)
