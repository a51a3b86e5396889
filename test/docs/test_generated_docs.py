"""The generated pages are those that code and configuration yield now."""
import importlib.util
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from cosmos_policy_ros.nodes.robot import ArmParameters, CameraParameters
from cosmos_policy_ros.safety.config import CELL_KEYS, SafetyConfig

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location('docs_generate', ROOT / 'docs' / 'generate.py')
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)


@pytest.mark.parametrize('name', ['parameters.md', 'causes.md', 'safety_config.md', 'troubleshooting.md'])
def test_the_page_is_what_the_generator_yields_now(name):
    """When this fails: run "make docs" and look at the difference."""
    assert (ROOT / 'docs' / name).read_text() == generate.pages()[name]


def test_every_node_of_the_package_has_its_parameters_on_the_page():
    nodes = {path.stem for path in (ROOT / 'cosmos_policy_ros' / 'nodes').glob('*_node.py')}
    assert set(generate.RECORDS) == nodes


@pytest.mark.parametrize('node', generate.RECORDS)
def test_a_parameter_file_sets_only_parameters_that_its_node_declares(node):
    record, file = generate.RECORDS[node]
    assert set(generate.shipped_parameters(file)) <= {item.name for item in fields(record)}


@pytest.mark.parametrize('path', sorted((ROOT / 'config').glob('robot_*.yaml')), ids=lambda path: path.name)
def test_a_robot_file_sets_all_names_and_constants_of_the_robot(path):
    assert set(generate.shipped_parameters(path.name)) == {item.name for item in fields(ArmParameters)}


@pytest.mark.parametrize('path', sorted((ROOT / 'config').glob('cameras_*.yaml')), ids=lambda path: path.name)
def test_a_camera_file_sets_everything_about_the_cameras(path):
    assert set(generate.shipped_parameters(path.name)) == {item.name for item in fields(CameraParameters)}


def test_every_safety_key_is_on_the_page_with_its_value():
    """The page is read from the comments of the file, so a line in another style would be lost."""
    sections = generate.safety_sections((ROOT / 'config' / 'safety.yaml').read_text())
    shown = {key.strip('`'): yaml.safe_load(value.strip('`')) for _, _, rows in sections for key, value, _ in rows}
    expected = yaml.safe_load((ROOT / 'config' / 'safety.yaml').read_text())
    cell, boxes = expected.pop('cell'), expected.pop('keep_out')
    assert shown == expected | {f'cell.{key}': value for key, value in cell.items()} | {
        f'keep_out.{key}': value for key, value in boxes.items()}
    assert set(expected) == {item.name for item in fields(SafetyConfig)} - {'cell', 'keep_out'}
    assert set(CELL_KEYS) < set(cell)
