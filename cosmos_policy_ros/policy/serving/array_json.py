"""Arrays in JSON as json_numpy writes them: {"__numpy__": base64, "dtype": "<f8", "shape": [14]}, or nested lists.

The json-numpy library allocates whatever dtype and shape a peer names, and can only hook into the decoding of a whole
document; this codec checks kind, shape and byte count first, and only where an array belongs.
"""
import base64
import binascii
import json
from itertools import chain
from math import prod

import numpy as np

MARK = '__numpy__'
DTYPES = frozenset(order + code for code in ('i2', 'i4', 'i8', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8') for order in '<>') \
    | {'|u1', '|i1'}
"""Accepted numpy type strings: plain numbers, so that no object, text or record is ever built from the wire."""

MAX_DIMENSIONS = 4
MAX_CONTAINERS = 2_000_000
"""Lists and objects in one document; three pictures of 640x480 as nested lists are 0.93 million."""


class ArrayError(ValueError):
    """A document or an array on the wire that is not what it has to be; the message says where."""


def parse(body):
    """The JSON document in ``body`` (bytes or str); its caller has limited its length.

    Raises:
        ArrayError: not UTF-8, not JSON, or with more lists than an observation can have.
    """
    try:
        text = body if isinstance(body, str) else body.decode('utf-8')
        if text.count('[') + text.count('{') > MAX_CONTAINERS:
            raise ArrayError(f'more than {MAX_CONTAINERS} lists and objects')
        return json.loads(text)
    except RecursionError:
        raise ArrayError('nested too deeply') from None
    except UnicodeDecodeError as error:
        raise ArrayError(f'not UTF-8 at byte {error.start}') from None
    except json.JSONDecodeError as error:
        raise ArrayError(f'not JSON at character {error.pos}: {error.msg}') from None
    except ValueError as error:
        if isinstance(error, ArrayError):
            raise
        raise ArrayError(f'a number that is too long: {error}') from None


def encode(array):
    """The wire form of ``array``; ``ArrayError`` when it does not hold plain numbers."""
    array = np.asarray(array)
    if array.dtype.str not in DTYPES:
        raise ArrayError(f'arrays of {array.dtype} cannot be sent')
    return {MARK: base64.b64encode(array.tobytes()).decode('ascii'), 'dtype': array.dtype.str,
            'shape': list(array.shape)}


def decode(value, where):
    """The array that ``value`` stands for: a wire object, nested lists of numbers, or lists of wire objects.

    Args:
        where: what the value is, for the message of an error.

    Returns:
        np.ndarray of at most ``MAX_DIMENSIONS`` dimensions; float64 for nested lists.

    Raises:
        ArrayError: anything else, ragged lists, a type that is no number, a shape that contradicts the bytes.
    """
    if isinstance(value, dict):
        return _from_object(value, where)
    shape, level = [], [value]
    for _ in range(MAX_DIMENSIONS + 1):
        kinds = set(map(type, level))
        if kinds == {list}:
            lengths = set(map(len, level))
            if len(lengths) > 1:
                raise ArrayError(f'{where}: lists of different lengths, {min(lengths)} to {max(lengths)}')
            shape.append(lengths.pop())
            level = list(chain.from_iterable(level))
        elif kinds == {dict}:
            return _stack([_from_object(item, where) for item in level], shape, where)
        elif kinds <= {int, float} and shape:
            return _from_numbers(level, shape, where)
        else:
            raise ArrayError(f'{where}: expected an array, got {" and ".join(sorted(kind.__name__ for kind in kinds))}')
    raise ArrayError(f'{where}: more than {MAX_DIMENSIONS} dimensions')


def _from_numbers(numbers, shape, where):
    try:
        return np.array(numbers, np.float64).reshape(shape)
    except OverflowError:
        raise ArrayError(f'{where}: a number beyond 64 bits') from None


def _stack(arrays, shape, where):
    if len({(array.dtype, array.shape) for array in arrays}) > 1:
        raise ArrayError(f'{where}: arrays of different shapes or types in one list')
    if len(shape) + arrays[0].ndim > MAX_DIMENSIONS:
        raise ArrayError(f'{where}: more than {MAX_DIMENSIONS} dimensions')
    return np.stack(arrays).reshape((*shape, *arrays[0].shape))


def _from_object(item, where):
    if set(item) != {MARK, 'dtype', 'shape'}:
        raise ArrayError(f'{where}: expected the keys {MARK}, dtype and shape, got {len(item)} other ones')
    text, dtype, shape = item[MARK], item['dtype'], item['shape']
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ArrayError(f'{where}.dtype: expected a number type such as "|u1" or "<f4"')
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
        raise ArrayError(f'{where}.shape: expected at most {MAX_DIMENSIONS} sizes')
    size = prod(shape) * np.dtype(dtype).itemsize
    if not isinstance(text, str) or len(text) != 4 * ((size + 2) // 3):
        raise ArrayError(f'{where}: shape {shape} of {dtype} takes {size} bytes, which these are not')
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ArrayError(f'{where}: not base64: {error}') from None
    if len(data) != size:
        raise ArrayError(f'{where}: shape {shape} of {dtype} takes {size} bytes, got {len(data)}')
    return np.frombuffer(data, dtype).reshape(shape)
