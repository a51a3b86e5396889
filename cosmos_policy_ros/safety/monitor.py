"""Every condition on inputs and time, turned into causes."""
from .stop_sources import OTHERS
from .tracking import Following
from .watchdog import LoopWatch, Stamp

SUPERVISOR = 'supervisor'
"""Source of causes that come from the supervisor itself."""


class Monitor:
    """Watches inputs, the loop and whether the arms follow; reports to an ``EventLog``.

    Args:
        config: ``SafetyConfig``. events: ``EventLog``. inputs: ``Inputs``.
    """

    def __init__(self, config, events, inputs):
        self._config, self._events, self._inputs = config, events, inputs
        self.loop = LoopWatch(config.tick_period, config.overrun_factor, config.overrun_count, config.clock_step,
                              config.loop_gap)
        self._following = Following(config)

    def begin(self, measured):
        """A source is about to command arms that are measured at (14,)."""
        self._following.reset(measured)

    def granted(self):
        """Whoever has the arms now may mend what the source before was stopped for."""
        self._following.forget_strain()

    def joints(self, side, positions, efforts, stamp, now, armed):
        """Joint states of one arm."""
        arm = self._inputs.arms[side]
        kind = arm.observe(positions, stamp, now, efforts)
        if armed or not arm.invalid:
            self._events.level('joint_states_invalid', bool(arm.invalid), now, side.value, arm.invalid)
        self._stamp(kind, side.value, stamp, now, armed)

    def camera(self, name, stamp, now, armed):
        """An image of a watched camera."""
        self._stamp(self._inputs.cameras[name].watch.seen(stamp, now), name, stamp, now, armed)

    def stop_source(self, name, pressed, sequence, counter_seen, now):
        """A message of a stop source."""
        if self._inputs.stops.observe(name, pressed, sequence, counter_seen, now) == OTHERS:
            self._events.raise_('stop_pressed', now, OTHERS, 'more names than are kept', self._config.fresh_before_reset)
        self._stops(now)

    def _stamp(self, kind, source, stamp, now, armed):
        if armed and kind in (Stamp.FUTURE, Stamp.BACK):
            self._events.raise_('clock_step', now, source, f'stamp {stamp - now:+.3f} s from now, {kind.value}',
                                self._config.fresh_before_reset)

    def cycle(self, now, holder, command, silent):
        """One cycle of the loop: raise and lower every cause that is a condition on inputs and time.

        Args:
            holder: source that has the arms, '' if none. command: (14,) in force. silent: s without its rows while it
                moves the arms, 0 while it does not.
        """
        level, armed = self._events.level, bool(holder)
        passed = self.loop.cycle(now)
        if self.loop.stepped:
            self._events.forget_presence()
            self._inputs.forget_time()
            if armed:
                self._events.raise_('clock_step', now, SUPERVISOR, self.loop.stepped)
            return
        overruns = self.loop.overrun and (armed or self._events.is_active('loop_overrun', SUPERVISOR))
        level('loop_overrun', overruns, now, SUPERVISOR, f'last cycle {passed:.3f} s')
        for side, arm in self._inputs.arms.items():
            late = armed and not arm.invalid and arm.watch.late(now)
            level('joint_states_stale', late, now, side.value, f'{arm.watch.age(now):.2f} s')
        self._cameras(now, holder in self._config.camera_authorities)
        self._stops(now)
        if armed:
            for cause, holds, source, detail in self._following.findings(
                    command, self._inputs.measured(), self._inputs.efforts(), passed, now):
                level(cause, holds, now, source, detail)
        else:
            for cause, source in self._following.watched:
                level(cause, False, now, source)
        if silent >= self._config.starvation:
            self._events.raise_('policy_starved', now, holder, f'for {silent:.3f} s')

    def _cameras(self, now, pictured):
        measured = self._inputs.measured()
        for name, camera in self._inputs.cameras.items():
            if self._inputs.sensed():
                camera.moved(measured, now)
            self._events.level('camera_stale', pictured and camera.watch.late(now), now, name,
                               f'{camera.watch.age(now):.2f} s')
            self._events.level('camera_frozen', pictured and camera.picture.frozen, now, name)

    def _stops(self, now):
        for name, button in self._inputs.stops.buttons.items():
            self._events.level('stop_pressed', button.pressed, now, name)
            lost = button.lost(now) if self._inputs.stops.required(name) and button.heard and button.proven else ''
            self._events.level('stop_source_lost', bool(lost), now, name, lost)
