"""constraints.txt pins everything that the package, its build and its tests ask for, on each supported Python."""
import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ('3.10', '3.11', '3.12', '3.13')


def lines(name):
    return [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith('#')]


def direct_requirements():
    setup = ast.parse((ROOT / 'setup.py').read_text())
    lists = {node.targets[0].id: node.value for node in setup.body if isinstance(node, ast.Assign)}
    build = tomllib.loads((ROOT / 'pyproject.toml').read_text())['build-system']['requires']
    extra = [*ast.literal_eval(lists['ROS_WHEELS']), *ast.literal_eval(lists['TEST']),
             *sum(ast.literal_eval(lists['EXTRAS']).values(), [])]
    return [Requirement(text) for text in [*lines('requirements.txt'), *extra, *build]]


def pins(python):
    """{name: version} that apply on this Python."""
    environment = {'python_version': python, 'python_full_version': f'{python}.0'}
    found = {}
    for requirement in map(Requirement, lines('constraints.txt')):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in found, f'{name} is pinned twice on Python {python}'
            found[name] = re.fullmatch(r'==([^*,]+)', str(requirement.specifier)).group(1)
    return found


@pytest.mark.parametrize('python', PYTHONS)
def test_every_direct_requirement_is_pinned_within_its_range(python):
    pinned = pins(python)
    wanted = [r for r in direct_requirements() if r.marker is None or r.marker.evaluate({'python_version': python})]
    assert len(wanted) > 20
    wrong = [str(r) for r in wanted if not r.specifier.contains(pinned.get(canonicalize_name(r.name), 'none'))]
    assert wrong == []


def test_ros_is_pinned_alike_everywhere():
    """The requirements for running and for building name the same release, so that one environment serves both."""
    ros = {}
    for requirement in direct_requirements():
        if requirement.name.startswith('ros-'):
            ros.setdefault(requirement.name, set()).add(str(requirement.specifier))
    assert {name: found for name, found in ros.items() if len(found) > 1} == {}
