"""The supervisor's status as ``diagnostic_msgs``: one entry for each watchdog."""
import math

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from cosmos_policy_ros.msg import GuardState, SafetyStatus
from cosmos_policy_ros.safety.causes import Severity

PREFIX = 'cosmos_policy safety: '
GUARD_STATES = {getattr(GuardState, name): name for name in ('WATCHING', 'WAITING', 'BRAKING', 'HOLDING')}


def deadline(config, watched):
    """(warn, act) s of a watched input of ``SafetyStatus.watched``: joint_states/.., camera/.. or stop/.."""
    name = {'stop': 'stop_source'}.get(watched.partition('/')[0], watched.partition('/')[0])
    return getattr(config, f'{name}_warn'), getattr(config, f'{name}_act')


def diagnostics(status, silence, guard, config):
    """Entries on a ``SafetyStatus`` message.

    Args:
        status: None before the first. silence: s of wall time since it came. guard: ``GuardState`` heard lately, or None.
        config: ``SafetyConfig``, for deadlines.

    Returns:
        Tuple of ``DiagnosticStatus``; the first is the supervisor itself.
    """
    if status is None or silence > 1.0:
        return (_entry('supervisor', DiagnosticStatus.STALE, 'no status', {'silence': f'{silence:.1f} s'}),)
    return (_state(status), *(_input(name, age, config) for name, age in zip(status.watched, status.ages)),
            _loop(status, config), _guard(guard),
            *(_entry(f'warning {i + 1}', DiagnosticStatus.WARN, text, {}) for i, text in enumerate(status.warnings)))


def array(entries, stamp):
    """``DiagnosticArray`` of entries."""
    message = DiagnosticArray(status=list(entries))
    message.header.stamp = stamp
    return message


def _entry(name, level, message, values):
    return DiagnosticStatus(name=PREFIX + name, level=level, message=message, hardware_id='aloha',
                            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()])


def _state(status):
    worst = max((cause.severity for cause in status.causes), default=-1)
    if worst >= Severity.PROTECTIVE or status.state == SafetyStatus.FAULT:
        level = DiagnosticStatus.ERROR
    else:
        level = DiagnosticStatus.WARN if worst >= 0 else DiagnosticStatus.OK
    text = '; '.join(f'{cause.text} [{cause.id}, event {cause.event_id}]: {cause.hint}' for cause in status.causes)
    return _entry('supervisor', level, f'{status.state_name}{": " if text else ""}{text}', {
        'authority': status.authority, 'epoch': status.epoch, 'last event': status.last_event_id,
        'blockers': '; '.join(status.blockers), 'speed scale': f'{status.speed_scale:.2f}',
        'hand speed': f'{status.hand_speed:.2f} m/s', 'clearance': f'{status.min_clearance:.3f} m',
        'rows accepted': status.rows_accepted, 'rows clamped': status.rows_clamped, 'rows refused': status.rows_refused,
        'configuration': status.config_digest[:12]})


def _input(name, age, config):
    warn, act = deadline(config, name)
    level = DiagnosticStatus.OK if age < warn else DiagnosticStatus.WARN if age < act else DiagnosticStatus.ERROR
    text = 'never seen' if math.isinf(age) else f'{1000 * age:.0f} ms old'
    return _entry(name, level, text, {'age': f'{age:.3f} s', 'warn': f'{warn} s', 'act': f'{act} s'})


def _loop(status, config):
    late = status.loop_period_max > config.overrun_factor * config.tick_period
    return _entry('loop', DiagnosticStatus.WARN if late else DiagnosticStatus.OK,
                  f'longest period {1000 * status.loop_period_max:.1f} ms',
                  {'period': f'{config.tick_period} s', 'work, p99.9 of a minute': f'{1000 * status.tick_p999:.2f} ms'})


def _guard(guard):
    if guard is None:
        return _entry('second channel', DiagnosticStatus.WARN, 'the guard is not heard', {})
    acts = guard.state in (GuardState.BRAKING, GuardState.HOLDING)
    return _entry('second channel', DiagnosticStatus.ERROR if acts else DiagnosticStatus.OK, GUARD_STATES[guard.state],
                  {'supervisor silent for': f'{guard.silence:.3f} s'})
