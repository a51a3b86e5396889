"""Parameter files against the parameters that a node has: ROS drops a misspelt name without a word."""
from difflib import get_close_matches

import yaml

BUILT_IN = ('use_sim_time', 'start_type_description_service')
"""Parameters that every node has."""

KINDS = {bool: 'true or false', int: 'a whole number', float: 'a number with a decimal point', str: 'a word', list: 'a list'}


def complaints(arguments, node, defaults):
    """A sentence for every name and type in the parameter files among a process's arguments that the node does not have.

    Args:
        arguments: of the process, as ``sys.argv``. node: name of the node. defaults: {parameter: default value}.
    """
    for flag, path in zip(arguments, arguments[1:]):
        if flag == '--params-file':
            yield from _in_file(path, node, defaults)


def _in_file(path, node, defaults):
    try:
        with open(path) as file:
            sections = yaml.safe_load(file) or {}
        parameters = {name: value for section, content in sections.items() if _is_for(section, node)
                      for name, value in content['ros__parameters'].items()}
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        yield f'{path}: expected "/**: ros__parameters:" and below it names with values ({error!r})'
        return
    for name, value in parameters.items():
        if name in BUILT_IN or name.startswith('qos_overrides'):
            continue
        if name not in defaults:
            near = get_close_matches(name, defaults, 1, 0.5)
            yield f'{path}: {name}: {node} has no such parameter' + (f'; the nearest is {near[0]}' if near else '')
        elif type(value) is not type(defaults[name]):
            yield f'{path}: {name}: expected {KINDS[type(defaults[name])]}, found {value!r}'


def _is_for(section, node):
    return section.strip('/') in ('**', node, f'**/{node}')
