"""Node parameters as frozen records: every field has a description and, where it has one, a range or a choice."""
import sys
from dataclasses import MISSING, field, fields

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException

from .parameter_files import complaints


class ParameterError(ValueError):
    """A parameter has a value that cannot be used; the message says which, why and what is allowed."""


def parameter(default, description, low=None, high=None, choices=None, changeable=False):
    """A field of a parameter record; a list as default is copied for each record and must not be empty.

    A ``changeable`` one may be set while the node runs; the node asks rclpy for it, the record keeps the first value.
    """
    metadata = {'description': description, 'low': low, 'high': high, 'choices': choices, 'changeable': changeable}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def _descriptor(item):
    low, high, choices = (item.metadata[key] for key in ('low', 'high', 'choices'))
    descriptor = ParameterDescriptor(description=item.metadata['description'], read_only=not item.metadata['changeable'])
    if choices:
        descriptor.additional_constraints = 'one of ' + ', '.join(map(str, choices))
    if isinstance(low, int):
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
    elif low is not None:
        descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    return descriptor


def declare(node, record):
    """Declare every field of the dataclass ``record`` on ``node`` and return it filled.

    Raises:
        ParameterError: a value is outside its range or choices, or has the wrong type, or a parameter file of the process
            sets something else.
    """
    values = {}
    defaults = {item.name: item.default if item.default is not MISSING else item.default_factory() for item in fields(record)}
    wrong = list(complaints(sys.argv, node.get_name(), defaults))
    if wrong:
        raise ParameterError('; '.join(wrong))
    for item in fields(record):
        default = defaults[item.name]
        try:
            value = node.declare_parameter(item.name, default, _descriptor(item)).value
        except (InvalidParameterValueException, InvalidParameterTypeException) as error:
            raise ParameterError(f'{node.get_name()}: parameter {item.name}: {error}') from error
        choices = item.metadata['choices']
        if choices and value not in choices:
            raise ParameterError(f'{node.get_name()}: parameter {item.name} is {value!r}; '
                                 f'use one of {", ".join(map(str, choices))}')
        values[item.name] = list(value) if isinstance(default, list) else value
    return record(**values)
