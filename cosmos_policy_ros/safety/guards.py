"""What stands against arming and against a reset, as sentences for the operator."""
from .causes import Severity

NOT_AT_REST = 'the arms are not measured to be at rest'
BRAKING = 'the arms are still braking'
UNLOOKED = 'the processes around the supervisor have not been looked for yet'
FAULTY = 'a fault needs a restart of the supervisor'


def against_arming(authority, holder, braking, config, events, inputs, now):
    """Blockers of arming ``authority``; None stands for any source that needs cameras.

    ``holder`` is the source that has authority now, '' if none; ``braking`` whether the last command has a speed.
    """
    found = []
    if authority is not None and authority not in config.authorities:
        found.append(f'unknown authority {authority!r}; known: {", ".join(config.authorities)}')
    found += [f'{active.text}; {active.cause.hint}' for active in events.barred()]
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
        found.append(FAULTY)
    if braking:
        found.append(BRAKING)
    elif not inputs.at_rest(now):
        found.append(NOT_AT_REST)
    found += [f'still holds: {active.text}' for active in events.still_present(now)
              if active.cause.severity >= Severity.PROTECTIVE]
    return found + inputs.blockers(now, fresh_for=config.fresh_before_reset)


def against_takeover(take, authority, holder, origin, config):
    """Blockers of an operator's taking the arms (``take``) or handing them back, but for those of arming."""
    operators = ', '.join(config.operator_authorities)
    if take and authority not in config.operator_authorities:
        return [f'{authority!r} is no source of an operator; these are: {operators}']
    if not holder:
        return ['no source has the arms: arm one']
    if take and holder == authority:
        return [f'{authority} has the arms already']
    if not take and holder not in config.operator_authorities:
        return [f'{holder} has the arms, which is no source of an operator; these are: {operators}']
    if not take and not (authority or origin):
        return [f'{holder} took the arms from nobody: name the source that shall have them']
    return []
