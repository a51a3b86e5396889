"""Keys of an operator's terminal: the same line by line and on a full screen."""
from cosmos_policy_ros.control.operation import FAILURE_TYPES, Control
from cosmos_policy_ros.control.playback import next_speed

CONTROLS = {'': Control.STOP, 'r': Control.RESET, 'g': Control.START, 'c': Control.CANCEL, 's': Control.SUCCESS,
            'h': Control.PARTIAL, 'f': Control.FAILURE, 'd': Control.DISCARD, 't': Control.TAKE, 'b': Control.HAND_BACK,
            'a': Control.PREPARE, 'p': Control.PARK}
"""'' is Enter alone."""

WORDS = {Control.STOP: 'stop', Control.RESET: 'reset', Control.START: 'run a rollout', Control.CANCEL: 'cancel it',
         Control.SUCCESS: 'judge it a success', Control.PARTIAL: 'half a success', Control.FAILURE: 'a failure',
         Control.DISCARD: 'no data', Control.TAKE: 'take over', Control.HAND_BACK: 'hand back',
         Control.PREPARE: 'prepare the arms', Control.PARK: 'park them'}
FAILURES = {str(number): kind for number, kind in enumerate(FAILURE_TYPES, 1)}
NEXT_TASK, SLOWER, FASTER, LEAVE = 'n', '-', '+', 'q'
HELP = ('   '.join(f'{key or "Enter"}: {WORDS[control]}' for key, control in CONTROLS.items())
        + f'   {NEXT_TASK}: next task   {SLOWER}, {FASTER}: slower, faster   {LEAVE}: quit\n'
        + 'failure of a type:   ' + '   '.join(f'{key}: {kind.replace("_", " ")}' for key, kind in FAILURES.items()))


def press(operator, tasks, key):
    """Let an ``Operator`` do what a key says; whether it is one. ``tasks``: names to choose from, in order."""
    if key in CONTROLS:
        operator.do(CONTROLS[key])
    elif key in FAILURES:
        operator.do(Control.FAILURE, FAILURES[key])
    elif key == NEXT_TASK:
        operator.task = tasks[(tasks.index(operator.task) + 1) % len(tasks)] if operator.task in tasks else tasks[0]
    elif key in (SLOWER, FASTER):
        operator.set_speed(next_speed(operator.speed, faster=key == FASTER))
    else:
        return False
    return True
