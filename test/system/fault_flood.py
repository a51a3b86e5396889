"""A flood of messages on one input, and a stop that is pressed in the middle of it."""
from fault_streams import STEP
from fuzz_judge import good

FLOOD = 100
"""Messages in each tick of 10 ms: 10 kHz."""

INPUTS = ('left', 'right', 'cam_high', 'picture', 'guard', 'chunk', 'row')


class Flood:
    """Repeats a harmless message of one stream of a rig."""

    def __init__(self, rig, stream):
        self._rig, self._stream = rig, stream
        self._publisher = rig.streams.publishers[stream]

    def step(self, ticks=1):
        """Let time go on, with ``FLOOD`` messages before each tick."""
        for _ in range(ticks):
            message = good(self._rig, self._publisher.topic_name)
            if self._stream in ('row', 'chunk'):
                message.source = 'flood'
            elif self._stream == 'stop':
                message.id, message.level = 'flood', 0
            for _ in range(FLOOD):
                self._publisher.publish(message)
            self._rig.step()


def flooded_stop(rig, stream, before=20):
    """Flood a stream for ``before`` ticks, press stop, and flood on until the arms are stopped.

    Returns:
        Ticks of the supervisor from the press to the first braking or holding command.
    """
    flood = Flood(rig, stream)
    rig.running()
    flood.step(before)
    rig.streams.twists['stop'] = pressed
    rig.streams.heartbeat(rig.stamp, level=1)
    begun = rig.now
    while rig.status.armed and rig.now < begun + 1.0:
        flood.step()
    ticks = round((rig.now - begun) / STEP)
    flood.step(10)
    # A flood drives the good messages of its own topic out of the queue.
    drowned = {'row': {'policy_starved'}, 'stop': {'stop_source_lost'}}.get(stream, set())
    assert rig.causes and rig.causes <= {'stop_pressed'} | drowned, rig.causes
    assert 'stop_pressed' in rig.causes or stream == 'stop', rig.causes
    return ticks


def pressed(message):
    """A stop button that is held down."""
    message.level = 1
    return message
