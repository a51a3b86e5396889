"""Write the pages that follow from code and configuration: parameters.md, causes.md, safety_config.md, and the checks of
the doctor in troubleshooting.md.

    python docs/generate.py
"""
import re
from dataclasses import MISSING, fields
from pathlib import Path

import yaml

from cosmos_policy_ros.bringup.diagnosis.catalogue import AREAS
from cosmos_policy_ros.bringup.graph import GraphOptions
from cosmos_policy_ros.nodes.board_node import BoardParameters
from cosmos_policy_ros.nodes.bringup_node import BringupParameters
from cosmos_policy_ros.nodes.guard_node import GuardParameters
from cosmos_policy_ros.nodes.jog_node import JogParameters
from cosmos_policy_ros.nodes.policy_node import PolicyParameters
from cosmos_policy_ros.nodes.recorder_node import RecorderParameters
from cosmos_policy_ros.nodes.robot import ArmParameters, CameraParameters, RobotParameters
from cosmos_policy_ros.nodes.replay_node import ReplayParameters
from cosmos_policy_ros.nodes.rollout_node import RolloutParameters
from cosmos_policy_ros.nodes.safety_monitor_node import MonitorParameters
from cosmos_policy_ros.nodes.sim_node import SimParameters
from cosmos_policy_ros.nodes.stop_device_node import StopDeviceParameters
from cosmos_policy_ros.nodes.supervisor_node import SupervisorParameters
from cosmos_policy_ros.nodes.teleop_node import TeleopParameters
from cosmos_policy_ros.safety.causes import CAUSES, Severity

DOCS = Path(__file__).resolve().parent
CONFIG = DOCS.parent / 'config'

RECORDS = {'sim_node': (SimParameters, 'sim.yaml'), 'supervisor_node': (SupervisorParameters, 'supervisor.yaml'),
           'guard_node': (GuardParameters, 'guard.yaml'), 'bringup_node': (BringupParameters, 'bringup.yaml'),
           'safety_monitor_node': (MonitorParameters, 'safety_monitor.yaml'),
           'policy_node': (PolicyParameters, 'policy.yaml'), 'recorder_node': (RecorderParameters, 'recorder.yaml'),
           'rollout_node': (RolloutParameters, 'rollout.yaml'), 'teleop_node': (TeleopParameters, 'teleop.yaml'),
           'replay_node': (ReplayParameters, 'replay.yaml'), 'board_node': (BoardParameters, 'board.yaml'),
           'jog_node': (JogParameters, 'jog.yaml'),
           'stop_device_node': (StopDeviceParameters, 'stop_device.yaml')}
"""Parameter record and file in config/ of every node."""

NOTICE = '<!-- Written by docs/generate.py ("make docs"); edit what it reads instead. -->'

CONSEQUENCES = {
    Severity.NOTICE: ('Notice', 'Nothing is taken from motion.'),
    Severity.SLOW: ('Slow, or refuse one row', 'Motion goes on.'),
    Severity.HOLD: ('Hold', 'The arms brake and stand with power (HELD). Arming again opens a new epoch and goes on.'),
    Severity.PROTECTIVE: ('Protective stop',
                          'The arms brake, then hold; the stop is latched (PROTECTIVE_STOP) until a reset.'),
    Severity.EMERGENCY: ('Emergency stop', 'The same, latched as ESTOPPED. A software stop: it does not cut power.'),
    Severity.FAULT: ('Fault', 'The arms brake; only a restart of the supervisor ends it.')}


def table(heads, rows):
    """A Markdown table."""
    lines = [heads, ['---'] * len(heads), *rows]
    safe = [[str(cell).replace('|', '\\|').replace('<', '&lt;') for cell in line] for line in lines]
    return '\n'.join(f'| {" | ".join(line)} |' for line in safe)


def allowed(metadata):
    """Range or choices of a field, '' when it has neither."""
    if metadata.get('choices'):
        return ', '.join(f'`{choice}`' for choice in metadata['choices'])
    return f'{metadata["low"]} to {metadata["high"]}' if metadata.get('low') is not None else ''


def code(value):
    """A value as it is written in a parameter file."""
    if isinstance(value, bool):
        return f'`{str(value).lower()}`'
    return f'`{value}`' if value != '' else '(empty)'


def field_rows(record, shipped, without=()):
    """Rows of a parameter record; ``shipped`` {name: value} overrides the defaults in the code."""
    for item in fields(record):
        if item.name not in without:
            default = item.default if item.default is not MISSING else item.default_factory()
            yield [f'`{item.name}`', item.type.__name__, code(shipped.get(item.name, default)), allowed(item.metadata),
                   item.metadata['description']]


def shipped_parameters(name):
    """{parameter: value} of a file in config/."""
    return yaml.safe_load((CONFIG / name).read_text())['/**']['ros__parameters']


def parameters_page():
    heads = ['name', 'type', 'value', 'allowed', 'meaning']
    options = [[f'`{name}`', kind.__name__, code(default), allowed({'choices': choices}), description]
               for name, kind, default, description, choices in GraphOptions.describe()]
    common = [item.name for item in fields(RobotParameters)]
    parts = [NOTICE, '# Parameters', 'Every parameter is read once, when its node starts, and cannot be changed while '
             'it runs. A value outside its range ends the node with a message that names it. "Value" is what the '
             'shipped files in `config/` set, or the default.',
             '## Launch arguments', 'Also options of `cosmos-policy-ros demo` and `up`, with dashes in place of '
             'underscores. They override the files.', table(heads, options),
             '## Names of the robot', 'Shared by all nodes but `rollout_node`, and filled from '
             '`config/robot_<robot>.yaml`; the values are those of `robot_interbotix_main.yaml`.',
             table(heads, field_rows(ArmParameters, shipped_parameters('robot_interbotix_main.yaml'))),
             '## Cameras', 'Shared likewise, and filled from `config/cameras_<cameras>.yaml`; the values are those of '
             '`cameras_realsense.yaml`. See [cameras.md](cameras.md).',
             table(heads, field_rows(CameraParameters, shipped_parameters('cameras_realsense.yaml')))]
    for node, (record, file) in RECORDS.items():
        rows = field_rows(record, shipped_parameters(file), common)
        parts += [f'## {node}', f'File: `config/{file}`.', table(heads, rows)]
    parts += ['## Limits, deadlines and the cell', 'The supervisor reads them from `config/safety.yaml`: see '
              '[safety_config.md](safety_config.md).']
    return '\n\n'.join(parts) + '\n'


def causes_page():
    parts = [NOTICE, '# Causes', 'Why the supervisor refuses a row, or slows, holds or stops the arms. Ids are stable. '
             'Active causes are in `SafetyStatus.causes`, and the most severe one decides; a row that is only refused '
             'is counted in `rows_refused`. What the states mean is in [safety.md](safety.md), every number in '
             '[safety_config.md](safety_config.md). "Take over" says whether another source may be armed meanwhile.']
    for severity in sorted(Severity):
        title, consequence = CONSEQUENCES[severity]
        rows = [[f'`{cause.id}`', cause.text, cause.action.value, cause.clears.value,
                 'yes' if cause.operator_may_take_over else 'no', cause.hint, f'`{cause.test}`']
                for cause in CAUSES.values() if cause.severity is severity]
        parts += [f'## {title}', f'`severity` {int(severity)}. {consequence}',
                  table(['id', 'what happened', 'reaction', 'ends', 'take over', 'what to do', 'proved by'], rows)]
    return '\n\n'.join(parts) + '\n'


def safety_sections(text):
    """(title, remarks, rows) of every section of ``config/safety.yaml``; a row is [key, value, meaning].

    ``# --- title`` begins a section, other comments at the margin are remarks on it. A comment behind a value is its
    meaning and goes on in indented comments below. What comes before the first section has the title ''.
    """
    sections, parent = [('', [], [])], ''
    for line in text.splitlines():
        title = re.fullmatch(r'# --- (.+)', line)
        entry = re.fullmatch(r'( *)(\w+):\s*([^#]*?)\s*(?:# (.*))?', line)
        if title:
            sections.append((title[1], [], []))
        elif line.startswith('# '):
            sections[-1][1].append(line[2:])
        elif line.strip().startswith('# '):
            sections[-1][2][-1][2] += ' ' + line.strip()[2:]
        elif entry and not entry[3]:
            parent = f'{entry[2]}.'
        elif entry:
            sections[-1][2].append([f'`{parent if entry[1] else ""}{entry[2]}`', f'`{entry[3]}`', entry[4] or ''])
    return sections


def safety_config_page():
    first, *sections = safety_sections((CONFIG / 'safety.yaml').read_text())
    parts = [NOTICE, '# Safety configuration', ' '.join(first[1]),
             'The file is `config/safety.yaml`, its checks are in `cosmos_policy_ros/safety/config.py`. Another file '
             'is chosen with the supervisor\'s parameter `safety_config` ([parameters.md](parameters.md)). Position, '
             'speed and acceleration limits can be tightened below the hardware\'s, never widened.']
    for title, remarks, rows in sections:
        parts += [f'## {title[0].upper()}{title[1:]}', *([' '.join(remarks)] if remarks else []),
                  table(['key', 'value', 'meaning'], rows)]
    return '\n\n'.join(parts) + '\n'


def checks_tables():
    """The doctor's checks by area: what people notice, the check that finds it, and its fix."""
    parts = []
    for area, checks in AREAS.items():
        rows = [[check.symptom, f'`{check.id}`', re.sub(r'{(\w+)}', r'<\1>', check.fix).replace('{{', '{').replace('}}', '}')]
                for check in checks if check.fix != '{fix}']
        rows += [[check.symptom, f'`{check.id}`', 'the check says it, motor by motor; mostly: cosmos-policy-ros arms prepare, '
                  'or arms recover'] for check in checks if check.fix == '{fix}']
        parts += [f'### {area[0].upper()}{area[1:]}', table(['what you notice', 'check', 'fix'], rows)]
    return '\n\n'.join(parts)


def troubleshooting_page():
    """The page as it is written, with the part between its two marks made anew."""
    begin, end = '<!-- checks: written by docs/generate.py -->', '<!-- end of checks -->'
    head, _, rest = (DOCS / 'troubleshooting.md').read_text().partition(begin)
    return f'{head}{begin}\n\n{checks_tables()}\n\n{end}{rest.partition(end)[2]}'


def pages():
    """{file name: text} of all generated pages."""
    return {'parameters.md': parameters_page(), 'causes.md': causes_page(), 'safety_config.md': safety_config_page(),
            'troubleshooting.md': troubleshooting_page()}


if __name__ == '__main__':
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding='utf-8')
        print(f'docs/{name}')
