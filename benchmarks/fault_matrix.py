"""Every fault in every mode against the supervisor's real process: what it did, and how long that took.

    python benchmarks/fault_matrix.py                          # some minutes; a line each, exit code 1 when one is not as it must be
    python benchmarks/fault_matrix.py --json results.json --write docs/faults.md
    python benchmarks/fault_matrix.py camera stop_lost         # faults whose names contain one of these
"""
import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / 'test' / 'system'))

from graph_probe import free_domain  # noqa: E402

from cosmos_policy_ros.bringup.environment import ros_environment  # noqa: E402

NOTICE = '<!-- Written by benchmarks/fault_matrix.py; what it runs is in test/system/fault_list.py. -->'
GROUPS = {'rows': 'Rows', 'sensing': 'Joint states and cameras', 'stops': 'Stop sources', 'system': 'System',
          'robot': 'Robot', 'operator': 'Operator'}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('faults', nargs='*')
    parser.add_argument('--json', type=Path, help='write all results')
    parser.add_argument('--write', type=Path, help='write the page')
    options = parser.parse_args()
    results = []
    with free_domain() as domain, tempfile.TemporaryDirectory() as folder:
        os.environ.update(ros_environment(domain))
        # These start DDS, which reads the environment.
        from fault_list import FAULTS
        from fault_rig import FaultRig
        chosen = [fault for fault in FAULTS if not options.faults or any(name in fault.id for name in options.faults)]
        with FaultRig(domain, Path(folder)) as rig:
            for fault in chosen:
                results += cells(rig, fault)
    if options.json:
        options.json.write_text(json.dumps([result.as_dict() for result in results], indent=1) + '\n')
    if options.write:
        options.write.write_text(page(chosen, results), encoding='utf-8')
    bad = [result for result in results if not result.ok]
    print(f'{len(results) - len(bad)} of {len(results)} cells as they must be  [python benchmarks/fault_matrix.py]')
    sys.exit(1 if bad or not results else 0)


def cells(rig, fault):
    """Run a fault in every mode."""
    from fault_cell import Mode, Result, run_cell
    for mode in Mode:
        try:
            result = run_cell(rig, fault, mode)
            rig.calm()
        except AssertionError as error:  # it cannot be undone, or the mode could not be reached
            expected = fault.expected[mode]
            result = Result(fault.id, mode.name, expected.reaction.value, expected.sign, None, expected.deadline, str(error))
            rig.mend()
            rig.start()
        print(fault.id, mode.name, result.reaction, result.sign, result.seconds, result.problem or 'ok', flush=True)
        yield result


def page(faults, results):
    """The text of docs/faults.md."""
    from fault_cell import ON_THE_WAY, Mode, Reaction
    meaning = {Reaction.STOP: 'brakes, then a latched stop', Reaction.HOLD: 'brakes and holds until a new epoch',
               Reaction.BAR: 'arming, or the reset, is refused as long as it lasts',
               Reaction.REFUSE: 'the row or the request has no effect and is counted or answered',
               Reaction.GUARD: 'the guard stops the arms; the supervisor that is started next knows',
               Reaction.SHOW: 'is in the status, and takes nothing from motion',
               Reaction.NONE: 'does no harm in this mode: nothing happens'}
    good = sum(result.ok for result in results)
    parts = [NOTICE, '# Faults', f'{len(faults)} faults in {len(Mode)} modes, run against the supervisor\'s real process '
             f'over DDS (`test/system/test_fault_matrix.py`); {good} of {len(results)} cells were as they must be. The '
             'arms, cameras, stop button and rows around it are played, on a clock that waits for the supervisor, so '
             'the times do not depend on the machine. They are its own seconds from the last good message, or from the '
             'fault, to the first command of the brake or the hold; where nothing moves, to the status that shows it. '
             f'Behind the slash is the deadline; a message may take one tick ({1000 * ON_THE_WAY / 1.1:.0f} ms) on its '
             'way. After every cell the way back is a reset and nothing else.',
             '\n'.join(f'* **{reaction.value}**: {text}' for reaction, text in meaning.items()),
             'What the causes mean and what to do is in [causes.md](causes.md).']
    for group, title in GROUPS.items():
        members = [fault for fault in faults if fault.group == group]
        heads = ['fault', 'what happens', *(mode.value for mode in Mode)]
        lines = [heads, ['---'] * len(heads)]
        for fault in members:
            found = {result.mode: result for result in results if result.fault == fault.id}
            lines.append([f'`{fault.id}`', fault.text, *(cell(found[mode.name]) for mode in Mode)])
        if members:
            parts += [f'## {title}', '\n'.join(f'| {" | ".join(line)} |' for line in lines)]
    return '\n\n'.join(parts) + '\n'


def cell(result):
    """One cell of the table."""
    if not result.ok:
        return f'**failed**: {result.problem}'.replace('|', '\\|')
    if result.seconds is None:
        return result.reaction
    sign = f' `{result.sign}`' if '_' in result.sign else ''
    return f'{result.reaction}{sign} {1000 * result.seconds:.0f} / {1000 * result.deadline:.0f} ms'


if __name__ == '__main__':
    main()
