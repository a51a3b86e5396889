"""The rooms of the package import only what the design allows them to."""
import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = 'cosmos_policy_ros'
GENERATED = {'msg', 'srv', 'action'}

ROOMS = {
    'embodiment': {'numpy'},
    'policy': {'.embodiment', 'numpy', 'torch', 'diffusers', 'safetensors', 'PIL',
               'starlette', 'uvicorn', 'prometheus_client', 'ray', 'transformers', 'huggingface_hub'},
    'control': {'.embodiment', 'numpy'},
    'arms': {'.embodiment', 'numpy', 'yaml'},
    'safety': {'.embodiment', 'numpy', 'ruckig', 'yaml'},
    'rollouts': {'.embodiment', 'numpy', 'rosbags', 'mcap', 'h5py', 'av', 'PIL', 'matplotlib',
                 'pyarrow', 'rerun'},
    'sim': {'.embodiment', 'numpy', 'mujoco'},
    'learning': {'.embodiment', '.policy', '.rollouts', '.sim', 'numpy', 'torch', 'h5py', 'tqdm', 'scipy',
                 'accelerate', 'peft',
                 '.control', '.safety'},  # evaluation without ROS runs the robot's own timeline and envelope
    'bringup': {'launch', 'launch_ros'},
}
"""What each room may import beside the standard library and itself; a leading dot marks a room."""
FREE = {'nodes', 'cli'}
LAUNCH_FILES = {'.bringup', 'launch', 'launch_ros', 'ament_index_python'}


def imported_names(path, package):
    """Absolute dotted names of everything that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package[:len(package) - node.level + 1] if node.level else ()
            base = '.'.join([*parts, *filter(None, [node.module])])
            yield from (f'{base}.{alias.name}' for alias in node.names)


def forbidden(root):
    """'file: import' for every import below `root` that its place may not have."""
    found = []
    for path in sorted([*(root / NAME).rglob('*.py'), *(root / 'launch').rglob('*.py')]):
        place = path.relative_to(root).parts[:-1]
        room = place[1] if len(place) > 1 else None
        if room in GENERATED or room in FREE:
            continue
        allowed = LAUNCH_FILES if place[0] == 'launch' else ROOMS.get(room, set())
        for name in imported_names(path, place):
            parts = name.split('.')
            target = f'.{parts[1]}' if parts[0] == NAME and len(parts) > 1 else parts[0]
            if target not in allowed and target != f'.{room}' and parts[0] not in sys.stdlib_module_names:
                found.append(f'{path.relative_to(root)}: {name}')
    return found


def test_every_import_follows_the_arrows():
    assert forbidden(ROOT) == []


def test_every_room_of_the_design_exists():
    """A room that was renamed would otherwise lose its rule without anybody noticing."""
    assert [room for room in [*ROOMS, *FREE] if not (ROOT / NAME / room / '__init__.py').is_file()] == []


@pytest.mark.parametrize('file, statement', [
    ('embodiment/joints.py', 'import torch'),
    ('embodiment/joints.py', 'from cosmos_policy_ros.msg import ActionChunk'),
    ('embodiment/joints.py', 'from ..policy import layout'),
    ('policy/network.py', 'import rclpy'),
    ('policy/network.py', 'def load():\n    import mujoco'),
    ('policy/network.py', 'from cosmos_policy_ros import sim'),
    ('policy/network.py', 'from .. import sim'),
    ('control/timeline.py', 'from torch import nn'),
    ('control/timeline.py', 'from ..safety.limits import LIMITS'),
    ('safety/deep/er/limits.py', 'from ....sim.world import World'),
    ('safety/limits.py', 'from sensor_msgs.msg import JointState'),
    ('rollouts/bag.py', 'import torch'),
    ('sim/world.py', 'import cosmos_policy_ros.policy.network as network'),
    ('learning/trainer.py', 'from rclpy.node import Node'),
    ('bringup/graph.py', 'import yaml'),
    ('attic/old.py', 'import numpy'),
    ('version.py', 'import numpy'),
])
def test_a_forbidden_import_is_found(tmp_path, file, statement):
    path = tmp_path / NAME / file
    path.parent.mkdir(parents=True)
    path.write_text(statement + '\n')
    assert [line.split(':')[0] for line in forbidden(tmp_path)] == [f'{NAME}/{file}']


@pytest.mark.parametrize('file, statement', [
    ('embodiment/joints.py', 'import numpy as np\nfrom . import limits\nfrom .limits import LOWER'),
    ('safety/limits.py', 'import ruckig\nimport cosmos_policy_ros.embodiment.poses'),
    ('nodes/sim_node.py', 'import rclpy, torch\nfrom ..sim import world'),
    ('msg/_action_chunk.py', 'import rosidl_parser.definition'),
])
def test_an_allowed_import_passes(tmp_path, file, statement):
    path = tmp_path / NAME / file
    path.parent.mkdir(parents=True)
    path.write_text(statement + '\n')
    assert forbidden(tmp_path) == []
