"""What cannot work ends soon with one message, the next step and an exit code other than 0; nothing stays behind."""
import json
import shutil

import pytest
from command_process import Command
from safetensors.torch import load_file, save_file

from cosmos_policy_ros.bringup.share import default_checkpoint

QUICK = 60.0
"""s; nothing has to be started to find out, but a loaded machine takes its time."""

WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors'


@pytest.fixture
def refused(domain, tmp_path):
    """refused(*arguments, patience=, **environment) runs ``demo`` and returns its one error message."""
    def run(*arguments, patience=QUICK, **environment):
        arguments = ['--domain', domain, '--output', tmp_path / 'out', *arguments]
        with Command('demo', *arguments, folder=tmp_path, **environment) as command:
            assert command.end(patience) not in (0, 130), command.said()
            assert command.left() == []
            assert command.last_line() == '', 'no result where there is none'
            error = command.said()[command.said().index('error:'):]
            assert error.startswith('error: ') and '\n  next: ' in error and 'Traceback' not in command.said()
            assert not (tmp_path / 'out' / '.partial').exists()
            return error
    return run


@pytest.fixture
def checkpoint(tmp_path):
    """A copy of the shipped checkpoint to be damaged."""
    return shutil.copytree(default_checkpoint(), tmp_path / 'checkpoint')


def rewrite(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_unknown_task(refused):
    error = refused('--task', 'juggle')
    assert "'juggle'" in error and 'plate' in error


def test_missing_checkpoint_folder(refused, tmp_path):
    assert str(tmp_path / 'nowhere') in refused('--checkpoint', tmp_path / 'nowhere')


def test_broken_config(refused, checkpoint):
    (checkpoint / 'config.json').write_text('{"preset": ')
    assert str(checkpoint / 'config.json') in refused('--checkpoint', checkpoint)


def test_checkpoint_of_another_robot(refused, checkpoint):
    rewrite(checkpoint / 'config.json', lambda config: config.update(robot='libero'))
    assert "'libero'" in refused('--checkpoint', checkpoint)


def test_checkpoint_without_weights(refused, checkpoint):
    (checkpoint / WEIGHTS).unlink()
    assert WEIGHTS in refused('--checkpoint', checkpoint)


def test_checkpoint_with_a_weight_missing(refused, checkpoint):
    """Found by the policy node while it loads; the demo repeats what it says."""
    weights = load_file(checkpoint / WEIGHTS)
    name = sorted(weights)[0]
    save_file({key: value for key, value in weights.items() if key != name}, checkpoint / WEIGHTS)
    error = refused('--checkpoint', checkpoint, patience=180)
    assert 'policy_node ended with exit code 2' in error and name in error


def test_output_that_cannot_be_written(refused, tmp_path):
    (tmp_path / 'file').touch()
    error = refused('--output', tmp_path / 'file' / 'below')
    assert str(tmp_path / 'file') in error and '--output' in error


def test_no_space(refused, tmp_path):
    """A full disk, as every process of the command would see it."""
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'sitecustomize.py').write_text(
        'import collections, shutil\nusage = collections.namedtuple("usage", "total used free")\n'
        'shutil.disk_usage = lambda path: usage(10 ** 12, 10 ** 12 - 10 ** 6, 10 ** 6)\n')
    error = refused(PYTHONPATH=str(tmp_path / 'full'))
    assert '0.00 GB free' in error and 'make space' in error


def test_domain_out_of_range(refused):
    assert '500' in refused('--domain', 500)


def test_domain_of_the_environment_that_is_no_number(tmp_path):
    with Command('stop', folder=tmp_path, ROS_DOMAIN_ID='kitchen') as command:
        assert command.end(QUICK) == 1
        assert 'kitchen' in command.said() and 'ROS_DOMAIN_ID' in command.said() and 'Traceback' not in command.said()


def test_busy_domain(refused, domain, running):
    """A second graph of this package in the same domain would fight for the arms."""
    with running('sim_node'):
        error = refused(patience=180)
    assert f'ROS domain {domain} already has sim' in error and '--domain' in error


def test_no_rendering(refused):
    error = refused(MUJOCO_GL='egl', __EGL_VENDOR_LIBRARY_FILENAMES='/nowhere.json')
    assert 'cannot render' in error and 'apt-get' in error
