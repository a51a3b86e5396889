"""Nothing in the supervisor grows: neither with time, nor with what is sent to it."""
import gc
import tracemalloc

import numpy as np

from cosmos_policy_ros.safety import supervisor


def kept(rig):
    """Bytes that lines of the safety room have allocated and that are still in use."""
    rig.sent.clear()
    rig.states.clear()
    gc.collect()  # also empties the interpreter's own stock of freed tuples
    traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, supervisor.__file__.replace(
        'supervisor.py', '*'))])
    return sum(trace.size for trace in traces.traces)


def busy(rig, rows):
    """Rows, refused rows, floods of states, stops by strangers, flapping causes."""
    for k in range(rows):
        rig.play([rig.core.command])
        rig.offer(np.full(14, np.nan), epoch=k - 1000)
        rig.offer(rig.core.command, source=f'source {k}')
        for sub in range(5):
            rig.core.observe_joints('left', rig.measured[:7], rig.now + 1e-4 * sub, rig.now)
        rig.core.observe_config(f'digest {k % 2}', rig.now)
        if k % 10 == 0:
            rig.core.observe_stop_source(f'{k}', True, 1, rig.counter, rig.now)
            rig.core.observe_stop_source(f'{k}', False, 2, rig.counter, rig.now)
            rig.step(80)
            rig.core.observe_config(rig.config.digest, rig.now)
            assert rig.core.request_reset(rig.status.last_event_id, rig.now).accepted, rig.status.blockers
            rig.step(30)
            assert rig.core.request_arm('policy', rig.now).accepted


def test_memory_stays_the_same(rig):
    """Under 4 kB over 4 stops and 40 rows with all their noise; each leaves more than that behind if it is kept."""
    rig.running(speed=0.0)
    tracemalloc.start()
    try:
        busy(rig, 40)
        before = kept(rig)
        busy(rig, 40)
        assert kept(rig) - before < 4096
    finally:
        tracemalloc.stop()
