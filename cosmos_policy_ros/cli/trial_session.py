"""What the commands of evaluation sessions share: the description, the record, the results."""
import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from .console import CommandError, say
from .preflight import check_task


@dataclass(frozen=True)
class Session:
    """A description that was read.

    plan: ``TrialPlan``. comparison: ``Comparison``. common, policies: settings as given.
    """

    plan: object
    comparison: object
    common: dict
    policies: dict


def add_session_options(parser):
    """Options of every such command."""
    parser.add_argument('description', help='YAML file of the session; see config/sessions and docs/sessions.md')
    parser.add_argument('--out', required=True, help='folder of the session; the same again goes on where it ended')
    parser.add_argument('--reveal', action='store_true',
                        help='end the blinding now: results of what there is, no further rollout')


@contextmanager
def named_errors(path):
    """What is wrong with a description becomes a ``CommandError`` that names its file."""
    try:
        yield
    except (OSError, TypeError, ValueError, yaml.YAMLError) as error:
        raise CommandError(f'{path}: {error}', 'see config/sessions for what such a file looks like') from error


def read_session(path, simulated):
    """The ``Session`` described in a file; ``simulated``: whether its tasks have to be."""
    from cosmos_policy_ros.learning.trial_results import read_comparison
    from cosmos_policy_ros.rollouts.trial_plan import read_plan
    with named_errors(path):
        description = yaml.safe_load(Path(path).read_text())
        plan = read_plan(description)
        comparison = read_comparison(description.get('published'), plan)
    for task in plan.tasks:
        check_task(task, simulated)
    return Session(plan, comparison, description.get('common') or {}, description['policies'])


def plain(settings):
    """JSON of settings, enumerations by their wire values."""
    return json.loads(json.dumps(settings, default=lambda item: item.value))


def contents(paths):
    """SHA-256 of each of some files, sorted, equal ones once."""
    return sorted({hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths})


def opened_log(folder, plan, frozen):
    """The session's ``TrialLog``; ``frozen``: what else than the plan its results depend on."""
    from cosmos_policy_ros.rollouts.trial_log import SessionError, TrialLog
    try:
        return TrialLog(folder, plain(asdict(plan)) | frozen)
    except (OSError, SessionError) as error:
        raise CommandError(str(error), 'a session goes on with the same description, checkpoints and --out') from error


def show_results(args, session, log, results, policies, played):
    """Result object, last line and exit code of a command; the blinding ends with it.

    Args:
        results: {number: result} that count. policies: {name: JSON object of what it is}. played: where, in words.
    """
    from cosmos_policy_ros.learning.trial_page import Findings, history, write_results
    from cosmos_policy_ros.learning.trial_results import published_lines, success_tables
    plan = session.plan
    if not results:
        raise CommandError('no rollout of this session has been judged yet', 'leave out --reveal to run it')
    if args.reveal:
        log.reveal()
    told = history(plan, log)
    path = write_results(args.out, Findings(plan, results, session.comparison, policies, told, played))
    tables, compared = success_tables(plan, results), published_lines(session.comparison, plan, results)
    for task, rows in tables.items():
        for row in rows:
            say(f'{task}: {"  ".join(filter(None, row))}')
    for line in compared:
        say(f'{line} ({played.lower()})')
    facts = {'rollouts': len(results), 'history': told, 'tables': tables, 'published': compared, 'results': str(path)}
    return facts, f'{args.command}: rollouts={len(results)}/{len(plan.trials())} results={path}', 0
