"""Limits from data: percentiles of good demonstrations with a margin, written with their source."""
import json

import h5py
import numpy as np
import pytest
import yaml

from cosmos_policy_ros.cli.main import main
from cosmos_policy_ros.embodiment.limits import hardware_limits
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.learning.shards import write_shard
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.demonstrated import LONGEST_STOP, demonstrated_limits
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.sim.demonstrations import Demonstration
from expert_episodes import interventions
from safety_rig import CONFIG_FILE

PERIOD = 0.04


def swinging(amplitude=0.3, rows=200, period=PERIOD):
    """(rows, 14): every joint on a sine of its own frequency, the right arm at half the amplitude."""
    turn = 2 * np.pi * period * np.arange(rows)[:, None] * (0.3 + 0.05 * (np.arange(14) % 7))
    size = np.where(np.arange(14) < 7, amplitude, amplitude / 2)
    size[[6, 13]] = 0.3
    return START + size * (1 - np.cos(turn)) / 2


def test_limits_are_the_percentile_times_the_margin():
    rows = swinging()
    found = demonstrated_limits([rows], PERIOD, margin=1.25, percentile=100)
    fastest = np.abs(np.diff(rows, axis=0)).max(axis=0) / PERIOD
    assert found.arm_speed == pytest.approx(1.25 * fastest[:6])
    assert found.gripper_speed == pytest.approx(1.25 * max(fastest[6], fastest[13]))
    assert (found.rows, found.beyond) == (199, 0)


def test_three_rows_are_an_episode():
    assert demonstrated_limits([swinging(rows=3)], PERIOD).rows == 2


def test_one_glitch_does_not_set_the_limit():
    """A percentile below 100 leaves out what one row in a thousand did, and says so."""
    rows = swinging(rows=2000)
    clean = demonstrated_limits([rows], PERIOD, percentile=99.5)
    rows[1000, 2] += 0.05
    glitch = demonstrated_limits([rows], PERIOD, percentile=99.5)
    assert glitch.arm_speed[2] == pytest.approx(clean.arm_speed[2], rel=0.05)
    assert glitch.beyond > clean.beyond == 0


def test_limits_stay_within_the_hardware_and_stop_in_time():
    wild, slow = (demonstrated_limits([rows], PERIOD) for rows in (swinging(20.0), swinging(0.01)))
    assert (wild.arm_speed <= hardware_limits().speed[:6]).all()
    assert (wild.arm_acceleration <= hardware_limits().acceleration[:6]).all()
    assert (slow.arm_speed / slow.arm_acceleration <= LONGEST_STOP + 1e-12).all()


@pytest.mark.parametrize('margin, percentile', [(0.9, 99.0), (1.25, 0.0), (1.25, 101.0), (float('nan'), 99.0)])
def test_margin_and_percentile_are_checked(margin, percentile):
    with pytest.raises(ValueError, match='margin'):
        demonstrated_limits([swinging()], PERIOD, margin, percentile)


@pytest.mark.parametrize('episodes, message', [
    ([], 'no episodes'), ([np.zeros((9, 13))], 'episode 0'), ([swinging(rows=2)], 'episode 0'),
    ([np.full((9, 14), np.nan)], 'episode 0'),
    ([np.tile(START, (9, 1))], 'never moves')])
def test_nothing_is_learned_from_nothing(episodes, message):
    with pytest.raises(ValueError, match=message):
        demonstrated_limits(episodes, PERIOD)


def write_episode(path, action, **attributes):
    """An episode in the published ALOHA layout."""
    with h5py.File(path, 'w') as file:
        file['observations/qpos'] = file['action'] = action.astype(np.float32)
        file.attrs.update(sim=False, **attributes)


def command(*arguments):
    with pytest.raises(SystemExit) as end:
        main(['envelope', *map(str, arguments), '--json'])
    return end.value.code


def test_command_writes_a_configuration_with_its_source(tmp_path, capsys):
    """50 Hz episodes of the published layout; failures are left out; the demonstrations pass the result."""
    for number, amplitude in enumerate((0.2, 0.4)):
        write_episode(tmp_path / f'episode_{number}.hdf5', swinging(amplitude, 400, PERIOD / 2))
    write_episode(tmp_path / 'episode_2.hdf5', swinging(9.0), success=False)
    out = tmp_path / 'mine.yaml'
    assert command('--from', tmp_path, '--rate', 50, '--date', '2026-01-02', '--percentile', 100, '--out', out) == 0
    facts = json.loads(capsys.readouterr().out)
    config = load_config(out)
    assert facts['episodes'] == 2 and facts['beyond'] == 0
    assert config.arm_speed == pytest.approx(facts['arm_speed'], abs=1e-3) and max(config.arm_speed) < 2.5
    assert '2 demonstrations' in config.limits_source and config.limits_source.endswith('2026-01-02')
    shipped = yaml.safe_load(CONFIG_FILE.read_text())
    assert {key for key, value in yaml.safe_load(out.read_text()).items() if value != shipped[key]} == {
        'arm_speed', 'gripper_speed', 'arm_acceleration', 'gripper_acceleration', 'limits_source'}
    assert interventions(Envelope(config), swinging(0.4))[1:] == (0, 0), "limits of its own demonstration"


def test_command_reads_shards_and_leaves_failures_out(tmp_path, capsys):
    """What "collect" writes, at its own 25 Hz; a failed demonstration teaches nothing."""
    pictures = np.array([0], dtype=np.int32), np.zeros((1, 3, 2, 2, 3), dtype=np.uint8)
    write_shard(tmp_path / 'plate.h5', [
        Demonstration('plate', 'put it down', 0, 'clean', rows, rows.astype(np.float32), *pictures, success, 1.0)
        for rows, success in ((swinging(0.3), True), (swinging(0.8), False))])
    assert command('--from', tmp_path / 'plate.h5', '--out', tmp_path / 'mine.yaml') == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts['episodes'] == 1
    expected = demonstrated_limits([swinging(0.3)], PERIOD).arm_speed
    assert facts['arm_speed'] == pytest.approx(expected.tolist(), rel=1e-4)


@pytest.mark.parametrize('arguments, hint', [
    (['--from', 'absent', '--out', 'a.yaml'], 'collect'), (['--from', '.', '--out', 'taken.yaml'], 'another --out'),
    (['--from', '.', '--rate', '30', '--out', 'a.yaml'], 'resample'), (['--from', '.', '--out', 'a.yaml'], 'collect')])
def test_command_says_what_is_wrong(tmp_path, monkeypatch, capsys, arguments, hint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'taken.yaml').touch()
    assert command(*arguments) == 1
    assert hint in capsys.readouterr().err
    assert not (tmp_path / 'a.yaml').exists()
