"""What stands against arming and against a reset, as sentences for the operator."""
from .causes import Severity

NOT_AT_REST = 'the arms are not measured to be at rest'
BRAKING = 'the arms are still braking'


def against_arming(authority, holder, braking, config, events, inputs, now):
    """Blockers of arming ``authority``; None stands for any source that needs cameras.

    ``holder`` is the source that has authority now, '' if none; ``braking`` whether the last command has a speed.
    """
    found = []
    if authority is not None and authority not in config.authorities:
        found.append(f'unknown authority {authority!r}; known: {", ".join(config.authorities)}')
    found += [f'{active.text}; {active.cause.hint}' for active in events.active
              if active.cause.severity >= Severity.PROTECTIVE]
    if not holder and braking:
        found.append(BRAKING)
    elif not holder and not inputs.at_rest(now):
        found.append(NOT_AT_REST)  # the first command is the measured pose, which must not be one of a moving arm
    return found + inputs.blockers(now, cameras=authority is None or authority in config.camera_authorities)


def against_reset(braking, config, events, inputs, now):
    """Blockers of a reset, but for its event id."""
    found = []
    if events.worst() < Severity.PROTECTIVE:
        found.append('no stop is latched')
    if events.worst() == Severity.FAULT:
        found.append('a fault needs a restart of the supervisor')
    if braking:
        found.append(BRAKING)
    elif not inputs.at_rest(now):
        found.append(NOT_AT_REST)
    found += [f'still holds: {active.text}' for active in events.still_present(now)
              if active.cause.severity >= Severity.PROTECTIVE]
    return found + inputs.blockers(now, fresh_for=config.fresh_before_reset)
