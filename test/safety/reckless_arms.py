"""Arms that are driven at each other and into everything, and what the simulator says of where they got."""
import mujoco
import numpy as np

from cosmos_policy_ros.embodiment.capsules import arm_to_arm
from cosmos_policy_ros.embodiment.cell import Cell
from cosmos_policy_ros.embodiment.gripper import GRIPPER_MAPS
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, SIDES
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.braking import Brake
from cosmos_policy_ros.safety.envelope import DIP
from cosmos_policy_ros.sim.scene import FINGER_RANGE, build_model

PERIOD, TICK, ROWS, STARTS = 0.04, 0.01, 30, 2
_SPREAD = np.tile([0.6, 0.5, 0.5, 1.0, 0.7, 1.5, 0.4], 2)
_STRETCHED = np.tile([0.0, -0.1, 0.1, 0.0, 0.0, 0.0, 0.5], 2)
"""Both arms level and straight ahead: hands meet."""
_FOLDED = np.tile([0.0, 0.8, -0.8, 0.0, 0.0, 0.0, 0.2], 2)
"""Both arms leaning forward: with the hands turned aside, forearms meet."""


def reckless_run(envelope, rng, hand_speed=np.inf):
    """Every command (n, 14) of one run: rows at random speeds towards poses where the arms meet, in jerks or steadily,
    until one is refused or a stop comes at a random moment; then a brake to rest, and again. The first is the start.
    """
    position = _free_pose(envelope.surroundings, rng)
    sent = [position]
    for _ in range(STARTS):
        velocity, stop_after = np.zeros(14), rng.integers(1, ROWS)
        goal = _goal(envelope.surroundings, rng)
        speed, jerky = rng.uniform(0.1, 1.2), rng.random() < 0.5
        for _ in range(stop_after):
            wanted = np.clip((goal - position) / PERIOD, -envelope.limits.speed * speed, envelope.limits.speed * speed)
            change = envelope.limits.acceleration * PERIOD
            wanted = velocity + np.clip(wanted - velocity, -change, change)
            if jerky:
                wanted = wanted + rng.normal(0, 0.3, 14) * change
            admission = envelope.admit(position + PERIOD * wanted, position, velocity, hand_speed=hand_speed)
            if admission.cause:
                break
            position, velocity = admission.limited.positions, admission.limited.velocity
            sent.append(position)
        brake, first = Brake(position, velocity, envelope.limits, 0.0), rng.uniform(0, TICK)
        sent += [brake.at(first + tick * TICK)[0] for tick in range(11)]
        position = sent[-1]
    return np.array(sent)


def _free_pose(around, rng):
    while True:
        pose = START + rng.uniform(-1, 1, 14) * 0.8 * _SPREAD
        if (around.distances(pose[None])[0] >= around.margins + DIP).all():
            return pose


def _goal(around, rng):
    """A pose in which some pair of one class overlaps, of 64 the one in which it does so most before the others."""
    goals = np.where(rng.random((64, 1)) < 0.5, _FOLDED, _STRETCHED) + rng.uniform(-1, 1, (64, 14)) * _SPREAD
    goals[:, [4, 11]] += rng.choice([-1.5, 0.0, 1.5], (64, 2))
    spare = (around.distances(goals) - around.margins)[:, :100].reshape(-1, 10, 10)
    wanted = CLASSES[rng.choice(list(CLASSES))]
    return goals[(spare[:, ~wanted].min(axis=1) - spare[:, wanted].min(axis=1)).argmax()]


def _classes():
    kind = np.array(['link'] * 6 + ['gripper', 'finger', 'finger', 'camera'])
    one, other = kind[:, None], kind
    link, both = (one == 'link') | (other == 'link'), (one == 'link') & (other == 'link')
    fingers = (one == 'finger') & (other == 'finger')
    grasp = ((one == 'finger') & (other == 'gripper')) | ((one == 'gripper') & (other == 'finger'))
    return {'link': both, 'hand': link & ~both, 'finger': fingers, 'finger_gripper': grasp,
            'gripper': ~(link | fingers | grasp)}


CLASSES = _classes()
"""{class: (10, 10) mask of its pairs}, [left, right]."""


def margins_by_class(config):
    """{class: m} of a ``SafetyConfig``."""
    return {'link': config.arm_margin, 'hand': config.hand_margin, 'gripper': config.gripper_margin,
            'finger_gripper': config.finger_gripper_margin, 'finger': config.finger_margin}


def gaps_by_class(commands):
    """{class: (n,) m, the smallest gap of its pairs} of commands (n, 14), from the embodiment's own distance."""
    gap = arm_to_arm(commands, Cell(), GRIPPER_MAPS['ros1'])
    return {name: gap[:, pairs].min(axis=1) for name, pairs in CLASSES.items()}


class Contacts:
    """The simulator's own collision check of poses."""

    def __init__(self):
        self._model = build_model()
        self._data = mujoco.MjData(self._model)
        joint = self._model.joint
        self._arms = [[joint(f'{side.value}_{name}').qposadr[0] for name in ARM_JOINTS] for side in SIDES]
        self._fingers = [[joint(f'{side.value}_{finger}_finger').qposadr[0] for finger in ('left', 'right')]
                         for side in SIDES]

    def at(self, vector):
        """Set of pairs of body names that touch or overlap at ``vector`` (14,), without the two fingers of one hand."""
        gripper = GRIPPER_MAPS['ros1']
        for i in range(len(SIDES)):
            self._data.qpos[self._arms[i]] = vector[7 * i:7 * i + 6]
            finger = gripper.finger_from_joint(gripper.joint_from_action(vector[7 * i + 6]))
            self._data.qpos[self._fingers[i]] = np.clip(finger, *FINGER_RANGE)
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)
        contact = self._data.contact
        bodies = self._model.geom_bodyid[contact.geom[contact.dist <= 0]]
        pairs = {tuple(sorted(self._model.body(body).name for body in pair)) for pair in bodies}
        return {pair for pair in pairs if not (all(map(_finger, pair)) and _side(pair[0]) == _side(pair[1]))}


def forbidden_contacts(pairs):
    """Those of ``Contacts.at`` that are none of two fingers, and none of a finger and the table."""
    return {pair for pair in pairs if not all(_finger(name) or name == 'world' for name in pair)}


def _finger(name):
    return name.endswith('finger')


def _side(name):
    return name.split('_')[0]
