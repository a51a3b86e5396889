"""Message definitions for reading and writing bags without ROS."""
import os
import sys
from functools import lru_cache
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

PACKAGES = ('cosmos_policy_ros', 'interbotix_xs_msgs')
"""Packages of recorded messages that are not part of a ROS 2 distribution."""

_CHECKOUT = Path(__file__).resolve().parents[2]


def message_folder(package):
    """The folder with a package's ``.msg`` files: installed below an ament prefix, or in this source tree.

    Raises:
        FileNotFoundError: none of the places has one.
    """
    prefixes = [*filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)), sys.prefix]
    places = [Path(prefix, 'share', package, 'msg') for prefix in prefixes]
    own = _CHECKOUT if package == 'cosmos_policy_ros' else _CHECKOUT / 'interfaces' / package
    places.insert(0, own / 'msg')
    for place in places:
        if any(place.glob('*.msg')):
            return place
    raise FileNotFoundError(f'no message definitions of {package} in {", ".join(map(str, places))}; '
                            'source the workspace that has the package, or install it')


@lru_cache(maxsize=None)
def message_types():
    """The rosbags type store with ROS 2's standard messages, this package's and the arm driver's.

    Message definitions used here are equal from Humble to Kilted. The store is shared: do not register more types.
    """
    store = get_typestore(Stores.ROS2_KILTED)
    for package in PACKAGES:
        types = {}
        for path in sorted(message_folder(package).glob('*.msg')):
            types.update(get_types_from_msg(path.read_text(), f'{package}/msg/{path.stem}'))
        store.register({name: fields for name, fields in types.items() if name not in store.fielddefs})
    return store
