"""A request to ``/act``: what the published clients send, with our own options under one more key."""
import json
from dataclasses import dataclass

import numpy as np

from ..errors import ObservationError
from ..observation import Observation
from .array_json import ArrayError, decode, encode, parse
from .refusal import Refusal
from .served_model import PRESIZE

OPTIONS = 'cosmos_policy_ros'
"""Key of our own options in a request and of our own facts in a reply; upstream's server ignores it."""

DOUBLE = 'encoded'
"""Only key of a document whose value is the JSON text of the real one; the reply then is a string of JSON text, too."""


@dataclass(frozen=True)
class Request:
    """A request that was understood.

    seed: None for the server's own. budget: s until the answer must be there, or None. futures: imagined pictures are
    wanted. every_candidate: ``return_all_query_results``. own_facts: the client knows our own keys. double: the
    document was JSON text inside JSON.
    """

    observation: Observation
    instruction: str
    seed: int = None
    budget: float = None
    futures: bool = True
    every_candidate: bool = False
    own_facts: bool = False
    double: bool = False


def read_request(body, model, stamp, max_side):
    """The ``Request`` in the bytes ``body``.

    Args:
        model: a ``ServedModel``. stamp: s, when the request came. max_side: largest side of a picture, pixels.

    Raises:
        Refusal: 400 when the document or a field is malformed, 422 when a value cannot be acted on.
    """
    document = _document(body, 'body')
    double = set(document) == {DOUBLE}
    if double:
        if not isinstance(document[DOUBLE], str):
            raise _malformed('expected a string of JSON text', DOUBLE)
        document = _document(document[DOUBLE], DOUBLE)
    names = model.request_names
    missing = [key for key in (*names.values(), 'proprio', 'task_description') if key not in document]
    if missing:
        raise Refusal(400, f'missing {", ".join(missing)}', 'request',
                      f'send {", ".join(names.values())}, proprio and task_description of a {model.robot} robot')
    images = {camera: _image(_array(document, key), key, max_side) for camera, key in names.items()}
    instruction = document['task_description']
    if not isinstance(instruction, str):
        raise _malformed('expected a string', 'task_description')
    try:
        observation = Observation(stamp, images, _proprio(_array(document, 'proprio'), model.proprio_dim))
    except ObservationError as error:
        raise Refusal(422, str(error), 'observation', 'send a finite, complete observation') from error
    return Request(observation, instruction, every_candidate=_flag(document, 'return_all_query_results', False),
                   own_facts=OPTIONS in document, double=double, **_options(document.get(OPTIONS, {})))


def write_request(observation, instruction, model, seed, futures, budget, every_candidate):
    """JSON text of a request, pictures made small first. The observation has what ``model`` takes."""
    resize = PRESIZE[model.presize]
    document = {key: encode(resize(observation.images[camera], model.image_size))
                for camera, key in model.request_names.items()}
    return json.dumps(document | {
        'proprio': encode(observation.proprio.astype(np.float32)), 'task_description': instruction,
        'return_all_query_results': every_candidate,
        OPTIONS: {'seed': seed, 'futures': futures, 'budget': budget},
    }).encode()


def _malformed(what, where):
    return Refusal(400, what, where, 'compare the request with docs/serving.md')


def _document(text, where):
    try:
        document = parse(text)
    except ArrayError as error:
        raise Refusal(400, str(error), where, 'send one JSON object') from None
    if not isinstance(document, dict):
        raise Refusal(400, f'a JSON {type(document).__name__}', where, 'send one JSON object')
    return document


def _array(document, key):
    try:
        return decode(document[key], key)
    except ArrayError as error:
        raise _malformed(str(error), key) from None


def _flag(values, key, default):
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise _malformed('expected true or false', key)
    return value


def _image(array, key, max_side):
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise Refusal(422, f'a picture of shape {array.shape}', key, 'send (H, W, 3), RGB')
    if max(array.shape[:2]) > max_side:
        raise Refusal(422, f'a picture of {array.shape[1]}x{array.shape[0]} pixels', key,
                      f'resize it to at most {max_side} a side; the published client sends 224x224')
    if array.dtype == np.uint8:
        return array
    with np.errstate(invalid='ignore'):  # NaN is found by the comparison
        pixels = array.astype(np.uint8)
    if not np.array_equal(pixels, array):
        raise Refusal(422, f'pixels of type {array.dtype} that are not whole numbers from 0 to 255', key,
                      'send uint8')
    return pixels


def _proprio(array, size):
    if array.shape != (size,):
        raise Refusal(422, f'an array of shape {array.shape}', 'proprio', f'send {size} numbers')
    return array.astype(np.float64)


def _options(values):
    if not isinstance(values, dict) or set(values) - {'seed', 'futures', 'budget'}:
        raise _malformed('expected an object with seed, futures or budget', OPTIONS)
    seed, budget = values.get('seed'), values.get('budget')
    if seed is not None and (type(seed) is not int or not 0 <= seed < 2 ** 32):
        raise _malformed('expected a whole number from 0 to 2**32-1', f'{OPTIONS}.seed')
    if budget is not None and (type(budget) not in (int, float) or not 0 < budget < 3600):
        raise _malformed('expected seconds above 0', f'{OPTIONS}.budget')
    return {'seed': seed, 'budget': budget, 'futures': _flag(values, 'futures', True)}
