"""The operator's station on a full terminal screen: the same controls as line by line, all of the state at once."""
import math
import time

from rich.text import Text
from textual.app import App
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import ProgressBar, RichLog, Static

from cosmos_policy_ros.control.operation import why_not

from .console import CommandError
from .keys import CONTROLS, FAILURES, FASTER, LEAVE, NEXT_TASK, SLOWER, WORDS, press

REFRESH = 0.1
PRESENCE = 2.0
"""s for which this screen may stand still, as with a stalled connection, before its stop source falls silent: its keys are not
heard then either."""

BARS = '▁▂▃▄▅▆▇█'


def sparkline(values, width):
    """The last ``width`` of the values, 0..1, as bars; a dot where none was predicted."""
    return ''.join('·' if math.isnan(value) else BARS[min(int(max(value, 0.0) * len(BARS)), len(BARS) - 1)]
                   for value in values[-width:])


def reasons_text(overview):
    """Why it stands, and what to do about it."""
    text = Text()
    for reason in overview.reasons:
        text.append(f'{reason.text}', 'bold').append(f'  {reason.age:.0f} s\n', 'dim')
        text.append(f'  → {reason.hint}\n' if reason.hint else '')
    for blocker in overview.situation.blockers:
        text.append(f'in the way: {blocker}\n', 'yellow')
    for warning in overview.warnings:
        text.append(f'warning: {warning}\n', 'yellow')
    return text if text else Text('nothing is wrong', 'dim')


def ages_text(overview):
    """Every watched input and how old it is."""
    text, late = Text(), overview.late
    for name, age in overview.ages:
        text.append(f'{name:24.24}', 'bold red' if name in late else '')
        text.append('  never\n' if math.isinf(age) else f'{age:6.2f} s\n', 'bold red' if name in late else 'dim')
    return text


def rollout_text(overview):
    """The rollout under way, or what the next one will be."""
    progress, text = overview.progress, Text()
    text.append('task ').append(overview.task, 'bold').append(f'  {NEXT_TASK}: next\n', 'dim')
    if not progress.limit:
        return text.append('no rollout yet', 'dim')
    text.append(f'row {progress.step} of {progress.limit}, {progress.chunks} chunks\n')
    if progress.values:
        text.append('value ').append(sparkline(progress.values, 40), 'cyan').append(f' {progress.values[-1]:.2f}')
    return text


def figures_text(overview):
    """One line of counters."""
    clearance = 'unknown' if math.isnan(overview.clearance) else f'{1e3 * overview.clearance:.0f} mm'
    return (f'rows {overview.accepted}, clamped {overview.clamped}, refused {overview.refused}   clearance {clearance}   '
            f'speed {100 * overview.speed_scale:.0f} %   event {overview.event}')


def keys_text(situation):
    """The keys; dim where the control cannot be used now."""
    text = Text()
    for key, control in CONTROLS.items():
        style = 'dim' if why_not(control, situation) else 'bold'
        text.append(f'{key or "Enter"} ', style).append(f'{WORDS[control]}   ', style)
    text.append(f'{SLOWER} {FASTER} ', 'bold').append('slower, faster   ')
    text.append(f'{LEAVE} ', 'bold').append('quit\n')
    types = '   '.join(f'{key} {kind.replace("_", " ")}' for key, kind in FAILURES.items())
    return text.append(f'failure of a type:   {types}', 'dim')


class StopField(Static):
    """Large, at the bottom, and pressed with the mouse as soon as the button goes down."""

    def on_mouse_down(self):
        """Stop."""
        self.app.action_press('')


class TerminalStation(App):
    """Arguments as for ``desk.operate``."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [Binding('enter,space', "press('')", priority=True), Binding(f'{LEAVE},ctrl+c,ctrl+q', 'leave', priority=True),
                *(Binding(key, f"press('{key}')", priority=True) for key in (*CONTROLS, *FAILURES, NEXT_TASK) if key),
                Binding('minus', f"press('{SLOWER}')", priority=True), Binding('plus', f"press('{FASTER}')", priority=True)]
    CSS = """
    #state { height: 3; padding: 1 2; text-style: bold; background: $panel; }
    #state.lost { background: #6b4b00; } #state.stopped { background: #7d080f; } #state.moving { background: #0b5a2a; }
    #state.armed { background: #4a5a0b; } #state.ready { background: #1d4f91; }
    #middle { height: 1fr; } #left { width: 2fr; padding: 0 2; } #right { width: 38; padding: 0 1; }
    #reasons { height: 1fr; padding: 1 0; } #ages { padding: 1 0; } ProgressBar { margin: 0 0 1 0; } Bar { width: 48; }
    #said { height: 6; padding: 0 2; background: $surface-darken-1; } #figures { padding: 0 2; color: $text-muted; }
    #keys { height: auto; padding: 0 2; }
    #stop { height: 3; content-align: center middle; background: #c8101a; color: white; text-style: bold; }
    #stop.pressed { background: #7d080f; }
    """

    def __init__(self, operator, station, tasks, check=lambda: None):
        super().__init__()
        self._operator, self._station, self._tasks, self._check = operator, station, tasks, check
        self._told, self._shown, self._error = 0, {}, None
        # Kept, not looked up: the last look may come when the screen is being taken down.
        names = 'state', 'reasons', 'rollout', 'ages', 'figures', 'keys'
        self._fields = {name: Static(id=name, markup=False) for name in names}
        self._fields['stop'] = StopField(id='stop')
        self._bar, self._diary = ProgressBar(total=1.0, show_eta=False), RichLog(id='said', wrap=True)

    def serve(self):
        """Run until the operator leaves; raises what ``check`` raised."""
        try:
            self.run()
        finally:
            self._station.attended()
        if self._error is not None:
            raise self._error

    def compose(self):
        """The screen from top to bottom."""
        fields = self._fields
        yield fields['state']
        with Horizontal(id='middle'):
            with Vertical(id='left'):
                yield fields['reasons']
                yield fields['rollout']
                yield self._bar
            with Vertical(id='right'):
                yield fields['ages']
        yield fields['figures']
        yield self._diary
        yield fields['keys']
        yield fields['stop']

    def on_mount(self):
        """Begin to look."""
        self._refresh()
        self.set_interval(REFRESH, self._refresh)

    def action_press(self, key):
        """What a key says."""
        press(self._operator, self._tasks, key)
        self._refresh()

    def action_leave(self):
        """End."""
        self.exit()

    def _refresh(self):
        try:
            self._check()
        except (CommandError, KeyboardInterrupt) as error:
            self._error = error
            self.exit()
            return
        self._station.attended(PRESENCE)
        self._operator.follow()
        overview = self._operator.overview()
        self._show('state', overview.headline, overview.mood)
        for text in (reasons_text, ages_text, rollout_text, figures_text):
            self._show(text.__name__.removesuffix('_text'), text(overview))
        self._show('keys', keys_text(overview.situation))
        self._show('stop', 'STOP PRESSED   r: reset' if overview.situation.pressed else 'STOP   Enter',
                   'pressed' if overview.situation.pressed else '')
        self._bar.update(progress=overview.progress.share)
        for number, line in list(self._operator.said):
            if number > self._told:
                self._told = number
                self._diary.write(Text(f'{time.strftime("%H:%M:%S")}  {line}'))

    def _show(self, name, text, look=''):
        if self._shown.get(name) != (text, look):
            self._shown[name] = text, look
            self._fields[name].update(text)
            self._fields[name].set_classes(look)
