"""In which order the members of an ensemble are evaluated."""
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Node:
    """A chunk looked at: ``depth`` from 1, ``branch`` the number of the future that it starts from."""

    depth: int
    branch: int


ROOT = Node(1, 0)


@dataclass(frozen=True, order=True)
class Member:
    """One value of a node: value call ``value`` on future ``future``, both counted from 0."""

    node: Node
    future: int
    value: int


def parent(node, settings):
    """The node whose future number ``node.branch`` this one starts from: the last branch of the depth above."""
    return Node(node.depth - 1, len(settings.future_member_steps) - 1 if node.depth > 2 else 0)


def nodes(settings):
    """Every node of a candidate in upstream's order, in which its values are listed.

    Each future of the last branch of a depth starts one branch of the next; the other branches end.
    """
    deeper = [Node(depth, branch) for depth in range(2, settings.depth + 1)
              for branch in range(len(settings.future_member_steps))]
    return [ROOT, *deeper]


def complete_waves(settings):
    """Tuples of members that lead to the whole evaluation, in large batches.

    Cheap members come first, so that a candidate which fails early skips the expensive ones.
    """
    steps = settings.value_member_steps
    return tuple(tuple(Member(node, future, value) for value, own in enumerate(steps) if own == count
                       for future in range(settings.judged_futures))
                 for node in nodes(settings) for count in sorted(set(steps)))


def anytime_waves(settings):
    """Tuples of one member each, by depth and then by the steps that lead to it, so that any prefix ranks fairly."""
    futures = settings.future_member_steps if settings.judged_futures > 1 else (0,)
    return tuple((Member(node, future, value),) for node in nodes(settings) for _, future, value in sorted(
        (first + second, future, value) for future, first in enumerate(futures)
        for value, second in enumerate(settings.value_member_steps)))
