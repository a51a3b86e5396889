"""The operator's full screen, driven by keys and mouse through the library's own pilot; the robot is a fake station."""
import asyncio
import math

import pytest
from fake_station import PATIENCE, FakeStation
from textual.widgets import ProgressBar, RichLog

from cosmos_policy_ros.cli.console import CommandError
from cosmos_policy_ros.cli.keys import CONTROLS, FAILURES
from cosmos_policy_ros.cli.terminal_station import BARS, PRESENCE, REFRESH, TerminalStation, ages_text, keys_text, sparkline
from cosmos_policy_ros.control.operation import Control, Situation
from cosmos_policy_ros.control.overview import Overview
from cosmos_policy_ros.nodes import operator as operator_module

TASKS = ['plate', 'transfer']


class AttendedStation(FakeStation):
    """Notes for how long it may go unattended."""

    def attended(self, patience=math.inf):
        self.patience = patience


@pytest.fixture
def station(monkeypatch):
    monkeypatch.setattr(operator_module, 'RELEASE_TIME', 0.01)
    station = AttendedStation()
    station.show('READY')
    return station


def drive(operator, station, steps, check=lambda: None):
    """Run ``steps(app, pilot)`` in an app; returns the app."""
    app = TerminalStation(operator, station, TASKS, check)

    async def session():
        async with app.run_test(size=(110, 34)) as pilot:
            await steps(app, pilot)
    asyncio.run(session())
    return app


def shown(app, name):
    return str(app.query_one(f'#{name}').render())


async def until(pilot, condition):
    for _ in range(round(PATIENCE / 0.02)):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError('did not happen')


@pytest.mark.parametrize('key', ['enter', 'space'])
@pytest.mark.parametrize('state', ['RUNNING', 'READY', 'BOOT', 'FAULT'])
def test_the_stop_works_in_every_state(operator, station, state, key):
    station.show(state)

    async def steps(app, pilot):
        await pilot.press(key)
        assert station.asked == ['press'] and 'STOP PRESSED' in shown(app, 'stop')
    drive(operator, station, steps)


def test_the_stop_works_before_a_supervisor_was_heard(operator, station):
    station.status = None

    async def steps(app, pilot):
        assert 'waiting' in shown(app, 'state')
        await pilot.press('enter')
        assert station.asked == ['press']
    drive(operator, station, steps)


def test_the_stop_is_pressed_when_the_mouse_goes_down_on_it(operator, station):
    async def steps(_, pilot):
        await pilot.mouse_down('#stop')
        assert station.asked == ['press']
    drive(operator, station, steps)


def test_a_session(operator, station):
    """Start, see it run, fail it with a type, read the result, choose another task, park, leave: all by keys."""
    async def steps(app, pilot):
        await pilot.press('g')
        assert station.asked == [('plate', 7, 100, 'direct')]
        station.show('RUNNING', 'policy', ages=[('left arm', 0.01), ('cam_high', 0.7)])
        for chunks, value in ((1, 0.2), (2, 0.9)):
            station.feedback = feedback(step=25 * chunks, chunks=chunks, value=value)
            await until(pilot, lambda value=value: f'{value:.2f}' in shown(app, 'rollout'))
        assert BARS[1] + BARS[7] in shown(app, 'rollout') and 'row 50 of 100, 2 chunks' in shown(app, 'rollout')
        bar = app.query_one(ProgressBar)
        assert bar.percentage == 0.5 and bar.content_size.height == 1
        assert 'RUNNING  policy  run' in shown(app, 'state') and 'moving' in app.query_one('#state').classes
        assert 'cam_high' in shown(app, 'ages')
        await pilot.press('1')
        await until(pilot, lambda: station.asked[-1] == ('failure', 0.0, FAILURES['1'], ''))
        station.runs[-1].result = feedback(outcome='failure', steps=60, bag='/bag', message=FAILURES['1'])
        station.show('READY')
        await until(pilot, lambda: operator.results)
        await until(pilot, lambda: any('outcome=failure' in line.text for line in app.query_one(RichLog).lines))
        await pilot.press('n', 'g')
        assert station.asked[-1] == ('transfer', 8, 100, 'direct')
        station.runs[-1].result = feedback(outcome='interrupted', steps=0, bag='', message='')
        await until(pilot, lambda: not operator.situation().rollout)
        await pilot.press('p')
        await until(pilot, lambda: station.asked[-1] == '/arm_bringup/park')
        await pilot.press('q')
    drive(operator, station, steps)


def feedback(stage='run', **fields):
    return type('Message', (), {'stage': stage, **fields})


def test_a_stop_says_why_and_what_to_do(operator, station):
    station.clock = lambda: 50.0
    station.show('ESTOPPED', causes=[('stop pressed (page)', 'release it, reset', 12)], blockers=['still pressed: page'])

    async def steps(app, _):
        text = shown(app, 'reasons')
        for part in ('stop pressed (page)', '12 s', 'release it, reset', 'in the way: still pressed: page'):
            assert part in text
        assert 'stopped' in app.query_one('#state').classes
    drive(operator, station, steps)


def test_a_refusal_is_told(operator, station):
    async def steps(app, pilot):
        await pilot.press('b')
        await until(pilot, lambda: any('taken from nobody' in line.text for line in app.query_one(RichLog).lines))
    drive(operator, station, steps)


def test_while_it_is_looked_after_the_source_speaks_and_only_then(operator, station):
    """A screen that stands still, behind a stalled connection, would not hear its stop key."""
    async def steps(_, pilot):
        await until(pilot, lambda: station.patience == PRESENCE)
    assert REFRESH < PRESENCE / 10
    drive(operator, station, steps)


@pytest.mark.parametrize('error', [CommandError('policy_node died'), KeyboardInterrupt()], ids=['a process died', 'a signal'])
def test_what_ends_the_graph_ends_the_screen_and_is_passed_on(operator, station, error, monkeypatch):
    def check():
        raise error
    app = TerminalStation(operator, station, TASKS, check)
    monkeypatch.setattr(app, 'run', lambda: asyncio.run(app.run_async(headless=True)))
    with pytest.raises(type(error)):
        app.serve()
    assert station.patience == math.inf


def test_every_control_has_a_key_and_says_whether_it_can_be_used():
    assert set(CONTROLS.values()) == set(Control) and len(set(CONTROLS)) == len(CONTROLS)
    text = keys_text(Situation('READY', age=0.1))
    styles = {text.plain[span.start:span.end].strip(): span.style for span in text.spans}
    assert styles['run a rollout'] == 'bold' and styles['cancel it'] == 'dim' and styles['stop'] == 'bold'


def test_values_become_bars_of_a_fixed_scale():
    assert sparkline((0.0, 0.5, 1.0, math.nan, -1.0, 7.0), 9) == BARS[0] + BARS[4] + BARS[7] + '·' + BARS[0] + BARS[7]
    assert sparkline((0.0, 1.0, 1.0), 2) == 2 * BARS[7]


def test_an_input_that_was_never_seen_says_so():
    assert 'never' in ages_text(Overview(ages=(('cam_high', math.inf),))).plain
