"""Throws malformed messages and malformed bytes at the supervisor's real process over DDS."""
from collections import Counter

import numpy as np
from fault_modes import LATCHED_STATES
from fault_streams import STEP, arm_joints
from fuzz_judge import good
from fuzz_messages import Mutator, damage
from rclpy.serialization import serialize_message

from cosmos_policy_ros.msg import StopSource

MESSAGES_A_TICK = 6
"""Fewer than a reader keeps: none may be lost on the way."""
TICKS_A_ROUND = 60
RAW = 0.3
"""Share of messages whose bytes are damaged, as no sender's library would make them."""
REST = 20
"""Steps after which a stop source may count its messages from the start again."""


def fuzz_over_dds(rig, count, seed):
    """Throw ``count`` messages; returns what was thrown by stream, and what went wrong: a list of sentences.

    Args:
        rig: ``FaultRig``. The supervisor has to be alive, to brake when a stop was pressed, and to command nothing but
            poses within its limits, at no more than its speed limits.
    """
    rng, thrown, wrong = np.random.default_rng(seed), Counter(), []
    mutator = Mutator(rng)
    rig.running()
    rig.calm()
    while thrown.total() < count and not wrong:
        [rig.running, rig.held, rig.stopped, lambda: None][rng.integers(4)]()
        place, pressed_at = len(rig.log), None
        for _ in range(TICKS_A_ROUND):
            for _ in range(MESSAGES_A_TICK):
                stream, pressed = _throw(rig, mutator, rng)
                thrown[stream] += 1
                pressed_at = pressed_at or (rig.now if pressed else None)
            rig.step()
            if pressed_at and rig.now > pressed_at + 3 * STEP and rig.status.armed:
                wrong.append(f'still armed after a press at {pressed_at:.2f} s')
                break
        wrong += _bad_commands(rig, rig.log[max(0, place - 1):])
        if rig.state == 'FAULT':
            wrong.append(f'failed: {[cause.text for cause in rig.status.causes]}')
        if not wrong:
            _recover(rig)
    return thrown, wrong


def _throw(rig, mutator, rng):
    """Send one message; returns its stream, and whether it must stop the arms."""
    streams = rig.streams
    names = [name for name in streams.publishers if name != 'clock']
    stream = 'row' if rng.random() < 0.5 else names[rng.integers(len(names))]
    publisher = streams.publishers[stream]
    message = good(rig, publisher.topic_name)
    if rng.random() < RAW:
        publisher.publish(damage(serialize_message(message), rng))
        return stream, False
    message = mutator.mutate(message)
    publisher.publish(message)
    return stream, isinstance(message, StopSource) and message.level != StopSource.RELEASED


def _bad_commands(rig, ticks):
    """Sentences on commands outside the limits."""
    config = rig.config
    lower, upper, speed = (np.tile(limit, 2) for limit in (config.arm_lower, config.arm_upper, config.arm_speed))
    sent = [(tick.now, arm_joints(tick.command)) for tick in ticks if tick.command is not None]
    for now, row in sent:
        if not (np.isfinite(row).all() and (row >= lower - 1e-5).all() and (row <= upper + 1e-5).all()):
            yield f'{now:.2f} s: commanded {row.tolist()}'
    for (_, before), (now, row) in zip(sent, sent[1:]):
        if (np.abs(row - before) > speed * config.row_period * 1.001).any():
            yield f'{now:.2f} s: {np.abs(row - before).max():.3f} rad in one row'


def _recover(rig):
    """Calm again: whoever has pressed lets go, by name."""
    rig.step(REST)
    for cause in rig.status.causes:
        if cause.id == 'stop_pressed' and rig.status.state in LATCHED_STATES:
            rig.streams.heartbeat(rig.stamp, id=cause.source, level=StopSource.PRESSED)
    rig.calm()
