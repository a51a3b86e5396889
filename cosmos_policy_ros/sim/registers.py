"""Control items of the Dynamixel X servos, by the exact names that the driver matches (case counts).

Items in EEPROM can only be written while torque is off; the servo refuses in silence otherwise.
"""
import numpy as np

_EEPROM = {'Operating_Mode': 3, 'Temperature_Limit': 80, 'PWM_Limit': 885, 'Current_Limit': 2047, 'Velocity_Limit': 131,
           'Max_Position_Limit': 4095, 'Min_Position_Limit': 0, 'Shutdown': 0x34}
_RAM = {'Torque_Enable': 1, 'Hardware_Error_Status': 0, 'Velocity_I_Gain': 1920, 'Velocity_P_Gain': 100,
        'Position_D_Gain': 0, 'Position_I_Gain': 0, 'Position_P_Gain': 800, 'Feedforward_2nd_Gain': 0,
        'Feedforward_1st_Gain': 0, 'Bus_Watchdog': 0, 'Goal_Current': 0, 'Profile_Acceleration': 0,
        'Profile_Velocity': 0, 'Goal_Position': 2048}
_READ_ONLY = {'Present_Current': 0, 'Present_Velocity': 0, 'Present_Position': 2048, 'Present_Input_Voltage': 120,
              'Present_Temperature': 35}
"""Voltage in 0.1 V, temperature in degrees Celsius, both constant here."""

MODE_NUMBERS = {'current': 0, 'velocity': 1, 'position': 3, 'linear_position': 3, 'ext_position': 4,
                'current_based_position': 5, 'pwm': 16}
"""Value of Operating_Mode by the driver's name of the mode."""

GAINS = ('Position_P_Gain', 'Position_I_Gain', 'Position_D_Gain', 'Feedforward_1st_Gain', 'Feedforward_2nd_Gain',
         'Velocity_P_Gain', 'Velocity_I_Gain')
"""In the order of the ``MotorGains`` request: kp_pos, ki_pos, kd_pos, k1, k2, kp_vel, ki_vel."""

STANDARD_P_GAIN = _RAM['Position_P_Gain']


def factory_registers(joint, model):
    """{item: value} of one joint's servo in an arm of this ``ArmModel`` after start-up."""
    registers = {**_EEPROM, **_RAM, **_READ_ONLY}
    low, high = model.position_limits.get(joint, (0, 4095))
    registers.update(Min_Position_Limit=low, Max_Position_Limit=high)
    if joint == 'gripper':
        registers['Current_Limit'] = model.gripper_current_limit
    return registers


def forget_ram(registers):
    """What a reboot does to the control items."""
    registers.update(_RAM, Torque_Enable=0)


def writable(item, torque):
    """Whether the servo takes a new value for ``item`` while its torque is on or off."""
    return item in _RAM or (item in _EEPROM and not torque)


def counts_of(angle):
    """Position count of an angle (rad); 2048 is 0."""
    return int(np.round(angle * 4096 / (2 * np.pi))) + 2048
