"""Malformed messages: any field of any type driven to what nobody would send."""
import array
import math
import re

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from rosidl_parser.definition import AbstractNestedType, Array, BasicType, NamespacedType

REALS = (math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -1e-310, 1e300, -1e300, 1e-3, -math.pi, 7.0)
NAMES = ('', 'policy', 'teleop', 'park', 'operator', 'waist', 'error', '\x00', 'x' * 5000, 'ß\u202e\U0001f916', '../../x', 'a\nb')
LENGTHS = (0, 1, 6, 7, 8, 13, 15, 28, 1000)


def damage(raw, rng):
    """Serialised bytes with some of them changed, one in five times cut off; the four that name the encoding stay."""
    raw = bytearray(raw)
    for place in rng.integers(4, max(5, len(raw)), rng.integers(1, 5)):
        raw[min(place, len(raw) - 1)] = (0, 1, 127, 128, 255)[rng.integers(5)]
    return bytes(raw[:rng.integers(4, len(raw) + 1)] if rng.random() < 0.2 else raw)


class Mutator:
    """Changes messages at random.

    Args:
        rng: ``numpy.random.Generator``.
    """

    def __init__(self, rng):
        self._rng = rng

    def mutate(self, message):
        """Change one to three fields of ``message``; one in ten times bytes of its serialised form instead."""
        if self._rng.random() < 0.1:
            return self._scrambled(message)
        for _ in range(self._rng.integers(1, 4)):
            self._change(message)
        return message

    def _scrambled(self, message):
        try:
            return deserialize_message(damage(serialize_message(message), self._rng), type(message))
        except Exception:  # the middleware would drop it
            return message

    def _pick(self, choices):
        return choices[self._rng.integers(len(choices))]

    def _change(self, message):
        fields = message.get_fields_and_field_types()
        name = self._pick(list(fields))
        kind = message.SLOT_TYPES[list(fields).index(name)]
        value = getattr(message, name)
        try:
            setattr(message, name, self._other(kind, value))
        except (AssertionError, OverflowError):  # not even a sender can make such a message
            pass

    def _other(self, kind, value):
        if isinstance(kind, NamespacedType):
            self._change(value)
            return value
        if isinstance(kind, BasicType):
            return self._number(kind.typename, value)
        if isinstance(kind, AbstractNestedType):
            return self._sequence(kind, list(value))
        return self._pick(NAMES)

    def _number(self, kind, value):
        if kind == 'boolean':
            return not value
        if kind in ('float', 'double'):
            return float(self._pick(REALS) if self._rng.random() < 0.7 else value + self._rng.normal(0, 1))
        sign, bits = re.fullmatch(r'(u?)int(\d+)', kind if kind != 'octet' else 'uint8').groups()
        low, high = (0, 2 ** int(bits) - 1) if sign else (-2 ** (int(bits) - 1), 2 ** (int(bits) - 1) - 1)
        near = int(value) + int(self._rng.integers(-3, 4))
        return self._pick((low, high, high // 2, 0, 1, min(max(near, low), high)))

    def _sequence(self, kind, values):
        roll = self._rng.random()
        if isinstance(kind, Array) or (values and roll < 0.5):
            place = self._rng.integers(len(values)) if values else 0
            if values:
                values[place] = self._other(kind.value_type, values[place])
        elif values and roll < 0.6:
            self._rng.shuffle(values)
        elif values:
            wanted = self._pick(LENGTHS)
            values = (values * (wanted // len(values) + 1))[:wanted]
        if isinstance(kind.value_type, BasicType) and not isinstance(kind, Array):
            codes = {'double': 'd', 'float': 'f'}
            if kind.value_type.typename in codes:
                return array.array(codes[kind.value_type.typename], values)
        return np.array(values) if isinstance(kind, Array) else values
