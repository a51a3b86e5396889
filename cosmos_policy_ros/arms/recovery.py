"""A motor that has switched itself off: what may be restarted, in which order, and how torque comes back without a jump."""
from .checks import describe_error
from .driver import ArmError

AFTER_REBOOT = 0.5
"""s until a restarted motor is asked for anything else."""

GOAL_TOLERANCE = 80
"""Counts (0.12 rad) between goal and position up to which torque may be switched on: the supervisor keeps its last command
while the measurement is within 0.1 rad of it."""


class RecoveryRefused(ArmError):
    """Restarting this motor now would do harm, or has not helped."""


def faulty_pairs(readings, arm):
    """Motors to restart, each with the one that moves the same joint: [(motor of the arm, shadows that answer)]."""
    partner = {**arm.names.shadows, **{motor: motor for motor in arm.names.shadows.values()}}
    joints = dict.fromkeys(partner.get(motor, motor) for motor in readings.errors)
    return [(joint, tuple(shadow for shadow, of in arm.names.shadows.items()
                          if of == joint and shadow in readings.shadow_errors)) for joint in joints]


def against_recovery(readings, expected):
    """Sentences against restarting the motors that have switched themselves off."""
    for motor in readings.errors:
        degrees = readings.registers['Present_Temperature'].get(motor, 0)
        if degrees >= expected.temperature_limit:
            yield (f'{readings.arm}: {motor} is at {degrees} C; let it cool below {expected.temperature_limit} C with the arm '
                   'supported')


def support(readings):
    """What a person has to do before motors of this arm are restarted."""
    motors = ', '.join(f'{motor}: {describe_error(bits)}' for motor, bits in readings.errors.items())
    return f'support the arm {readings.arm} by hand until it holds itself again ({motors})'


def restart(arm, pairs, expected, pause):
    """Restart motors without torque and rewrite what they keep in memory only; profiles and gains."""
    for joint, shadows in pairs:
        for motor in (joint, *shadows):
            arm.reboot(motor)
        pause(AFTER_REBOOT)
        target = arm.single(joint)
        arm.set_register(target, 'Profile_Velocity', expected.profile.velocity)
        arm.set_register(target, 'Profile_Acceleration', expected.profile.acceleration)
        arm.set_gains(target, expected.gains)


def forbid_jump(arm, target):
    """Raise ``RecoveryRefused`` when a motor's goal is not where it stands: with torque it would jump there."""
    goals, positions = arm.read('Goal_Position', target), arm.read('Present_Position', target)
    far = [motor for motor in goals if abs(goals[motor] - positions[motor]) > GOAL_TOLERANCE]
    if far:
        raise RecoveryRefused(f'{arm.name}: {", ".join(far)} would jump to an old goal; hold the arm still and inside its '
                              'limits, then ask again')


def torque_on(arm, targets):
    """Torque on, once the goals in the motors are where they stand."""
    for target in targets:
        forbid_jump(arm, target)
    for target in targets:
        arm.set_torque(target, True)


def prove_recovered(arm, pairs):
    """Raise ``RecoveryRefused`` when a restarted motor has an error again."""
    still = {motor: bits for joint, shadows in pairs
             for motor, bits in arm.read('Hardware_Error_Status', *map(arm.single, (joint, *shadows))).items() if bits}
    if still:
        said = ', '.join(f'{motor}: {describe_error(bits)}' for motor, bits in still.items())
        raise RecoveryRefused(f'{arm.name}: {said} is back after the restart; power-cycle the arm while it is supported, and '
                              'look for a blocked joint or a damaged cable')
