"""Mutation score of the safety core: how many small errors in its code its own tests notice.

    python benchmarks/mutation.py                      every file of safety/
    python benchmarks/mutation.py state latch          these files
    python benchmarks/mutation.py --sample 40          so many mutants a file, drawn with --seed

One mutant at a time in one forked process, which runs the file's tests until the first one fails. A mutant is one changed
comparison, operator, condition, number, return value, assignment or dropped call; texts are left alone. Exit code 1 when
a file falls below --least.
"""
import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import resource
import sys
from pathlib import Path

import hypothesis  # noqa: F401  loaded once, before the forks
import numpy  # noqa: F401
import pytest
import yaml  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = 'cosmos_policy_ros.safety'
FOLDER = ROOT / 'cosmos_policy_ros' / 'safety'
TIME_LIMIT = 60
"""s of computing that a mutant may take; one that hangs is noticed, too."""

WHOLE = ('faults', 'supervisor')
TESTS = {
    'authority': ('authority', 'takeover', *WHOLE), 'causes': ('causes', 'faults'), 'config': ('config',),
    'events': ('events', 'latch', *WHOLE), 'guards': ('takeover', *WHOLE),
    'inputs': ('inputs', 'motor_faults', 'clock', *WHOLE), 'latch': ('latch',),
    'monitor': ('motor_faults', 'clock', 'faults', 'stop_sources', 'supervisor'), 'motion': ('takeover', 'clock', *WHOLE),
    'records': ('supervisor',), 'state': ('state', 'state_graph'), 'stop_sources': ('stop_sources', 'clock', 'faults'),
    'supervisor': ('faults', 'takeover', 'latch', 'clock', 'supervisor', 'stop_sources', 'state_graph'),
    'tracking': ('motor_faults', 'tracking'), 'watchdog': ('watchdog', 'clock', 'faults', 'supervisor'),
    'braking': ('limits', 'geometry', 'adversarial_rows', 'supervisor'),
    'limits': ('limits', 'geometry', 'adversarial_rows', 'config'),
    'chunk_check': ('chunk_check', 'supervisor'), 'hand_speed': ('hand_speed', 'takeover'), 'ramp': ('ramp',)}
"""Tests of a file, those that notice most first; of the rest all that are named after geometry."""
OTHERS = ('geometry', 'geometry_oracle', 'limits', 'supervisor', 'faults')

COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
               ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
             ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}


def variants(node):
    """(description, changed copy) of every small error that can be made at one node."""
    def changed(**values):
        other = copy.copy(node)
        for name, value in values.items():
            setattr(other, name, value)
        return ast.copy_location(other, node)

    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            swapped = COMPARISONS[type(operator)]()
            yield f'{type(operator).__name__} is {type(swapped).__name__}', changed(
                ops=[*node.ops[:i], swapped, *node.ops[i + 1:]])
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        swapped = OPERATORS[type(node.op)]()
        yield f'{type(node.op).__name__} is {type(swapped).__name__}', changed(op=swapped)
    elif isinstance(node, ast.BoolOp):
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f'{type(node.op).__name__} is {type(swapped).__name__}', changed(op=swapped)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        yield f'without {type(node.op).__name__}', node.operand
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield 'condition negated', changed(test=ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f'{node.value} is {not node.value}', changed(value=not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield f'{node.value} is {node.value + 1}', changed(value=node.value + 1)
    elif isinstance(node, (ast.Return, ast.Assign)) and node.value is not None and not (
            isinstance(node.value, ast.Constant) and node.value.value is None):
        what = 'returns' if isinstance(node, ast.Return) else 'sets'
        yield f'{what} None', changed(value=ast.copy_location(ast.Constant(None), node))
    elif isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Yield)) or isinstance(node, ast.Raise):
        yield 'dropped', ast.copy_location(ast.Pass(), node)


def mutants(source):
    """(line, description, tree) of every mutant of a module; constants of the module as well."""
    tree = ast.parse(source)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            for index, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.AST) or (name == 'annotation' or name == 'returns'):
                    continue
                for description, other in variants(node):
                    def put(new, name=name, index=index, parent=parent, many=isinstance(value, list)):
                        if many:
                            getattr(parent, name)[index] = new
                        else:
                            setattr(parent, name, new)
                    put(other)
                    yield getattr(node, 'lineno', 0), description, copy.deepcopy(tree)
                    put(node)


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another body."""

    def __init__(self, name, code):
        self._name, self._code = name, code

    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module):
        exec(self._code, module.__dict__)


def noticed(module, tree, tests):
    """Whether any of the tests fails with the mutant in place."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT, TIME_LIMIT))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            code = compile(ast.fix_missing_locations(tree), f'{module}.py', 'exec')
            sys.meta_path.insert(0, Loader(f'{PACKAGE}.{module}', code))
            status = pytest.main(['-x', '-q', '-p', 'no:cacheprovider', *tests])
        except BaseException:
            status = 1
        os._exit(1 if status else 0)
    return os.waitpid(child, 0)[1] != 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('files', nargs='*', help='names in safety/, without .py; all of them when none is given')
    parser.add_argument('--sample', type=int, default=0, help='mutants a file; 0 for all')
    parser.add_argument('--seed', type=int, default=0, help='draws the sample')
    parser.add_argument('--least', type=float, default=0.9, help='score that every file has to reach')
    options = parser.parse_args()
    names = options.files or sorted(path.stem for path in FOLDER.glob('*.py') if path.stem != '__init__')
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    total = killed = 0
    poor = []
    for name in names:
        tests = [f'test/safety/test_{test}.py' for test in (*TESTS.get(name, OTHERS), 'records')]
        tests = [test for test in tests if Path(test).exists()]
        if noticed(name, ast.parse((FOLDER / f'{name}.py').read_text()), tests):
            sys.exit(f'{name}: its tests fail without any mutant; mend them first: {" ".join(tests)}')
        found = list(mutants((FOLDER / f'{name}.py').read_text()))
        if options.sample and len(found) > options.sample:
            found = random.Random(options.seed).sample(found, options.sample)
        survivors = [(line, description) for line, description, tree in found if not noticed(name, tree, tests)]
        score = 1 - len(survivors) / max(1, len(found))
        total, killed = total + len(found), killed + len(found) - len(survivors)
        print(f'{name}: {len(found) - len(survivors)} of {len(found)} noticed, {score:.1%}', flush=True)
        for line, description in sorted(survivors):
            print(f'    line {line}: {description}', flush=True)
        if score < options.least:
            poor.append(name)
    print(f'mutation score {killed / max(1, total):.1%} of {total} mutants in {len(names)} files')
    if poor:
        sys.exit(f'below {options.least:.0%}: {", ".join(poor)}')


if __name__ == '__main__':
    main()
