"""What a node with deadlines asks of Python and of the operating system."""
import ctypes
import gc
import os
import sys

import numpy as np

SWITCH_INTERVAL = 0.0005
"""s after which Python takes the interpreter from another thread, instead of 0.005."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of these settings in glibc's ``malloc.h``."""

LARGEST_KEPT = 32 << 20
"""Bytes of a block beyond which it is given back at once; glibc takes no more."""

MOST_KEPT = 256 << 20
"""Free bytes at the end of the heap beyond which they are given back."""


def claim_processor(priority, cpu):
    """Run this thread under SCHED_FIFO with ``priority`` (0: leave it) on one ``cpu`` (-1: any).

    Returns:
        Sentences on what was refused; a node without it works, with longer delays under load.
    """
    refused = []
    for wanted, name, claim in (
            (priority > 0, f'realtime_priority {priority}',
             lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))),
            (cpu >= 0, f'cpu {cpu}', lambda: os.sched_setaffinity(0, {cpu}))):
        try:
            if wanted:
                claim()
        except OSError as error:
            refused.append(f'{name} is refused: {error.strerror}; grant "rtprio" in /etc/security/limits.d, choose a '
                           'processor that exists, or set the parameter back')
    return refused


def own_garbage_collection():
    """From now on nothing is collected but by ``collect``: the collector would stop the loop when it likes."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.disable()


def collect():
    """Collect what has become garbage since; for times in which nothing moves."""
    gc.collect()


def keep_freed_memory():
    """From now on the C library keeps what a freed picture leaves, instead of giving it back to the kernel.

    A raw picture of 640x480 is copied several times on its way in, each time into 225 new pages that the kernel has to find
    and clear: 1.7 of 2.9 ms a picture, since glibc's ``malloc`` returns what is free beyond twice its largest block so far.
    Does nothing with a C library that has no ``mallopt``.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)


class RecentDurations:
    """The last ``count`` durations, in memory that is there from the start."""

    def __init__(self, count):
        self._values = np.zeros(count)
        self._taken = 0

    def add(self, duration):
        """Take a duration (s); the oldest goes."""
        self._values[self._taken % len(self._values)] = duration
        self._taken += 1

    def high(self, share=0.999):
        """s that ``share`` of them stay at or below; 0 without any."""
        known = self._values[:min(self._taken, len(self._values))]
        return float(np.quantile(known, share)) if len(known) else 0.0
