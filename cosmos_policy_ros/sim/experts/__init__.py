"""Scripted experts: they know where everything is and can take over at any moment."""
from .hand_over import HandOver
from .insertion import Insertion
from .pick_and_place import CANDY_IN_BOWL, DUCK_ON_PLATE, PickAndPlace

_EXPERTS = {
    'plate': lambda world: PickAndPlace(world, DUCK_ON_PLATE),
    'candy': lambda world: PickAndPlace(world, CANDY_IN_BOWL),
    'transfer': HandOver,
    'insertion': Insertion,
}


def make_expert(world):
    """The expert for the world's task, starting from the world as it is now."""
    return _EXPERTS[world.task.name](world)
