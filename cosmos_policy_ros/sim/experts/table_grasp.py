"""Hand poses for picking things off the table from above."""
import numpy as np

from ...embodiment.inverse_kinematics import pose_of, rotation
from .expert import facing, fold

LOWEST_GRASP = 0.023
"""m: with the grasp point lower than this, a hand that points down puts its finger tips into the table."""

TRAVEL_HEIGHT = 0.10
"""m: height of the grasp point while crossing the table."""

MOST_TURNED = 1.2
"""rad that a hand may count as turned when the nearest of equal turns is chosen; the wrist has a limit."""

LOWEST_APPROACH, HIGHEST_APPROACH = 0.02, 0.12
"""m above a grasp, between which a hand that is aligned goes straight down."""

_FAR, _MAX_TILT = (0.48, 0.60), 0.35


def top_down(expert, side, position, yaw=None):
    """(4, 4) pose of a hand at ``position`` (3,) m that points down and opens across ``yaw`` rad (None: the arm's own).

    Far from the base, where the arm could not reach pointing straight down, the hand leans outwards by up to 0.35 rad.
    """
    out = np.asarray(position[:2]) - expert.arms[side].base[:2, 3]
    heading = np.arctan2(out[1], out[0])
    tilt = _MAX_TILT * np.clip((np.hypot(*out) - _FAR[0]) / (_FAR[1] - _FAR[0]), 0, 1)
    turn = 0.0 if yaw is None else heading - yaw
    return pose_of(facing(heading, np.pi / 2 - tilt) @ rotation(0, turn), position)


def grasp_from_above(expert, side, body, symmetry):
    """(4, 4) pose of a hand that takes ``body`` across its y axis; a turn by ``symmetry`` rad makes no difference."""
    pose = expert.world.pose(body)
    axis = pose[:3, np.argmin(np.abs(pose[2, :2]))]
    yaw = np.arctan2(axis[1], axis[0])
    if np.argmin(np.abs(pose[2, :2])) == 1:
        yaw -= np.pi / 2
    position = pose[:3, 3].copy()
    position[2] = max(position[2] + 0.004, LOWEST_GRASP)
    straight = top_down(expert, side, position)
    # Of the equal turns the one nearest to how the hand is turned now: taking over, it goes on with a turn once begun.
    turned = straight[:3, :3].T @ expert.hand(side)[:3, :3]
    now = np.clip(np.arctan2(turned[2, 1], turned[2, 2]), -MOST_TURNED, MOST_TURNED)
    out = position[:2] - expert.arms[side].base[:2, 3]
    return top_down(expert, side, position, fold(yaw, symmetry, np.arctan2(out[1], out[0]) - now))


def grasp_ahead(expert, side, grasp):
    """Whether the hand is over ``grasp`` (4, 4) already, so well aligned that it may go straight down to it.

    An expert that aligned anew whenever it takes over would teach a policy that asks it again and again to hover.
    """
    height = np.clip(expert.hand(side)[2, 3] - grasp[2, 3], LOWEST_APPROACH, HIGHEST_APPROACH)
    return expert.near(side, above(grasp, height), distance=0.03, angle=0.35)


def above(pose, height):
    """The pose with its position ``height`` m higher."""
    higher = pose.copy()
    higher[2, 3] += height
    return higher


def clear_of_table(expert, side, target):
    """Rows that lift a low hand straight up before it crosses the table to ``target`` (4, 4)."""
    hand = expert.hand(side)
    aside = np.linalg.norm(hand[:2, 3] - target[:2, 3])
    if hand[2, 3] < TRAVEL_HEIGHT - 0.02 and aside > 0.015:
        yield from expert.slide({side: expert.raised(side, TRAVEL_HEIGHT)}, speed=0.8)


def pick(expert, side, body, symmetry, others):
    """Rows that pick ``body`` off the table and lift it; ``others`` {side: (6,) rad} move meanwhile."""
    grasp = grasp_from_above(expert, side, body, symmetry)
    there = expert.still_there(body)
    expert.release(side)
    if not grasp_ahead(expert, side, grasp):
        yield from clear_of_table(expert, side, grasp)
        yield from expert.reach({side: above(grasp, TRAVEL_HEIGHT - grasp[2, 3]), **others}, check=there)
    yield from expert.open_for(side)
    yield from expert.slide({side: grasp}, check=there)
    yield from expert.wait(0.08)
    yield from expert.close_on({side: body})
    yield from expert.slide({side: above(grasp, TRAVEL_HEIGHT - grasp[2, 3])}, check=expert.still_held(body, side))
