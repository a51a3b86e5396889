"""A reply of ``/act``: the published form, with our own facts under one more key for a client that asks for them."""
import json
import math
from dataclasses import replace

import numpy as np

from ..inference import Candidate, Inference, PlanReport
from .array_json import ArrayError, decode, encode, parse
from .errors import MalformedReply, NonFiniteReply, ServerFailed
from .request import OPTIONS

VALUE_KEYS = 'value_prediction', 'value_predictions'
"""The published server sends the first, the published client reads the second; we send and accept both."""

FAILED = 'error'
"""What the published server answers, with status 200, whatever went wrong."""

UNKNOWN_SEED = -1
"""Of a candidate of the published server, which does not tell."""

_REPORT = {'chosen': int, 'depth': int, 'workers_lost': int, 'deadline_met': bool, 'fallback': bool, 'calls': int,
           'elapsed': float}


def write_reply(inference, model, every_candidate=False, own_facts=False, double=False):
    """JSON text of the reply.

    Args:
        model: a ``ServedModel``. every_candidate: add the keys of ``return_all_query_results``. own_facts: add planner,
        latencies and plan. double: as JSON text inside a JSON string.
    """
    document = {'actions': _rows(inference.actions),
                'future_image_predictions': _pictures(inference.future_images, model)}
    document |= dict.fromkeys(VALUE_KEYS, _number(inference.value))
    if every_candidate:
        document |= _every_candidate(inference, model)
    if own_facts:
        document[OPTIONS] = {'planner': inference.planner, 'latencies': dict(inference.latencies),
                             'plan': _plan(inference.plan)}
    text = json.dumps(document, allow_nan=False)
    return (json.dumps(text) if double else text).encode()


def read_reply(body, model, every_candidate=False):
    """The ``Inference`` in the bytes ``body`` of a reply with status 200.

    Raises:
        ServerFailed: the reply is the string "error". NonFiniteReply, MalformedReply: see there.
    """
    try:
        document = parse(body)
        if isinstance(document, str) and document != FAILED:
            document = parse(document)
        if document == FAILED:
            raise ServerFailed('the server answered "error", as the published server does whatever went wrong; the '
                               'reason is in its log. Check instruction, pictures and GPU there')
        if not isinstance(document, dict):
            raise MalformedReply(f'reply: expected an object, got {type(document).__name__}; {_ADVICE}')
        return _inference(document, model, every_candidate)
    except ArrayError as error:
        raise MalformedReply(f'reply: {error}; {_ADVICE}') from None


_ADVICE = 'nothing of it was used. Check that the server runs this robot\'s checkpoint'


def _inference(document, model, every_candidate):
    actions = _actions(document.get('actions'), 'actions', model)
    value = _value(document)
    pictures = _read_pictures(document.get('future_image_predictions'), 'future_image_predictions', model)
    inference = Inference(actions, value, pictures, planner='remote')
    own = document.get(OPTIONS)
    if own is not None:
        try:
            inference = replace(inference, planner=str(own['planner']), plan=_read_plan(own['plan']),
                                latencies={str(name): float(seconds) for name, seconds in own['latencies'].items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedReply(f'reply.{OPTIONS}: {error!r}; {_ADVICE}') from None
    if every_candidate:
        candidates = _read_candidates(document, model, inference.plan)
        plan = inference.plan or _unreported_plan(candidates, actions)
        inference = replace(inference, plan=replace(plan, candidates=candidates))
    return inference


def _rows(actions):
    return [encode(row) for row in np.asarray(actions, '<f8')]


def _number(value):
    """NaN, a value that was not predicted, is null: JSON has no NaN."""
    return float(value) if math.isfinite(value) else None


def _pictures(images, model):
    return images and {name: encode(images[camera]) for camera, name in model.reply_names.items()}


def _every_candidate(inference, model):
    candidates = inference.plan.candidates if inference.plan else (Candidate(
        0, 0, (inference.actions,), inference.value, (inference.value,),
        (inference.future_images,) if inference.future_images else ()),)
    return {
        'all_actions': [_rows(candidate.actions_by_depth[0]) for candidate in candidates],
        'all_future_image_predictions': [_pictures(next(iter(candidate.futures_by_depth), None), model)
                                         for candidate in candidates],
        'all_value_predictions': [_number(candidate.value) for candidate in candidates],
        'all_actions_by_depth': [[_rows(actions) for actions in candidate.actions_by_depth]
                                 for candidate in candidates],
        'all_future_image_predictions_by_depth': [
            [_pictures(images, model) for images in candidate.futures_by_depth] if inference.plan else []
            for candidate in candidates],
        'all_value_predictions_by_depth': [[_number(value) for value in candidate.values_by_depth]
                                           for candidate in candidates],
    }


def _plan(plan):
    return plan and {name: getattr(plan, name) for name in _REPORT} | {'candidates': [
        {'index': candidate.index, 'seed': candidate.seed, 'members': candidate.members,
         'value': _number(candidate.value), 'spread': _number(candidate.spread),
         'values_by_depth': list(map(_number, candidate.values_by_depth))}
        for candidate in plan.candidates]}


def _read_plan(plan):
    if plan is None:
        return None
    candidates = tuple(Candidate(int(item['index']), int(item['seed']), (), _nan(item['value']),
                                 tuple(map(_nan, item['values_by_depth'])), (), _nan(item['spread']),
                                 int(item['members']))
                       for item in plan['candidates'])
    return PlanReport(candidates, **{name: kind(plan[name]) for name, kind in _REPORT.items()})


def _nan(value):
    return math.nan if value is None else float(value)


def _value(document):
    found = [document[key] for key in VALUE_KEYS if key in document]
    if not found or any(value != found[0] for value in found):
        raise MalformedReply(f'reply.value_prediction: {"missing" if not found else "two different ones"}; {_ADVICE}')
    value = found[0]
    if value is None and OPTIONS in document:
        return math.nan
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise MalformedReply(f'reply.value_prediction: expected a number in 0..1, got {value!r:.40}; {_ADVICE}')
    return float(value)


def _actions(value, where, model):
    """(rows, action dim) float64 of the published list of rows, or of one array."""
    actions = decode(value, where)
    expected = model.chunk_rows, model.action_dim
    if actions.shape != expected or actions.dtype.kind != 'f':
        raise MalformedReply(f'reply.{where}: expected {expected} floats, got {actions.shape} {actions.dtype}; '
                             f'{_ADVICE}')
    if not np.isfinite(actions).all():
        raise NonFiniteReply(f'reply.{where}: not finite; {_ADVICE}, and its number type')
    return actions.astype(np.float64)


def _read_pictures(value, where, model):
    if value is None:
        return None
    if not isinstance(value, dict) or set(model.reply_names.values()) - set(value):
        raise MalformedReply(f'reply.{where}: expected {", ".join(model.reply_names.values())}; {_ADVICE}')
    images = {camera: decode(value[name], f'{where}.{name}') for camera, name in model.reply_names.items()}
    for camera, image in images.items():
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise MalformedReply(f'reply.{where}: {camera}: expected (S, S, 3) uint8, got {image.shape} {image.dtype}; '
                                 f'{_ADVICE}')
    return images


def _read_candidates(document, model, plan):
    """Candidates of ``return_all_query_results``, with what our own server tells of each in ``plan``."""
    keys = [f'all_{name}' for name in ('value_predictions', 'actions_by_depth', 'future_image_predictions_by_depth',
                                       'value_predictions_by_depth')]
    lists = [document.get(key) for key in keys]
    if any(not isinstance(value, list) or len(value) != len(lists[0]) for value in lists) or not lists[0]:
        raise MalformedReply(f'reply: expected lists of one length under {", ".join(keys)}; {_ADVICE}')
    known = plan.candidates if plan else tuple(Candidate(i, UNKNOWN_SEED, (), math.nan) for i in range(len(lists[0])))
    if len(known) != len(lists[0]):
        raise MalformedReply(f'reply: {len(lists[0])} candidates, {len(known)} reported; {_ADVICE}')
    candidates = []
    for candidate, (value, actions, pictures, values) in zip(known, zip(*lists)):
        try:
            candidates.append(replace(
                candidate, value=_nan(value), values_by_depth=tuple(map(_nan, values)),
                actions_by_depth=tuple(_actions(item, keys[1], model) for item in actions),
                futures_by_depth=tuple(_read_pictures(item, keys[2], model) for item in pictures if item is not None)))
        except (TypeError, ValueError) as error:
            raise MalformedReply(f'reply: candidate {candidate.index}: {error}; {_ADVICE}') from None
    return tuple(candidates)


def _unreported_plan(candidates, actions):
    """What can be told of a published server's plan: the chosen candidate is the one whose actions were sent."""
    chosen = [candidate.index for candidate in candidates
              if candidate.actions_by_depth and np.array_equal(candidate.actions_by_depth[0], actions)]
    if not chosen:
        raise MalformedReply(f'reply.actions: none of the candidates\' actions; {_ADVICE}')
    depth = min(len(candidate.values_by_depth) for candidate in candidates)
    return PlanReport((), chosen[0], depth, workers_lost=0, deadline_met=True, fallback=False, calls=0, elapsed=0.0)
