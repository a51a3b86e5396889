"""Run an evaluation session on the robot, or through the simulated graph: an operator starts and judges rollouts."""
from dataclasses import fields, replace

from cosmos_policy_ros.bringup.graph import GraphOptions, graph, source_node
from cosmos_policy_ros.bringup.share import config_file

from .console import CommandError, say
from .desk import operate
from .options import add_graph_options, add_operator_options, graph_options
from .preflight import check_checkpoint, check_rendering, check_space, known_tasks
from .session import running_graph, writable_folder
from .trial_session import add_session_options, contents, opened_log, plain, read_session, show_results

POLICY = ('mode', 'checkpoint', 'device', 'server', 'planner', 'workers', 'denoising_steps', 'executed_rows')
"""``GraphOptions`` in which the policies of a session may differ."""


class SessionOver(CommandError):
    """Every trial has ended."""


class PolicyStage:
    """Puts the policies of a session in place: ends the policy node and starts it with other options.

    Args:
        processes: ``ProcessGroup``, in which the node of the policy ``first`` runs already.
        specs: {name: ``NodeSpec``}. modes: {name: mode of its rollouts}.
        always: start anew for the same policy too, so that the pause tells nobody whether it has changed.
    """

    def __init__(self, processes, specs, first, always, modes):
        self._processes, self._specs, self._there, self._always, self._modes = processes, specs, first, always, modes
        self._fresh, self._wanted = True, None

    def ask(self, name):
        """Put this policy in place."""
        if name != self._there or self._always and not self._fresh:
            self._processes.dismiss(self._specs[name].executable)
            self._wanted = name
        self._fresh = False

    def settled(self):
        """Whether it is; for the thread that started the other processes, which they follow into the end."""
        if self._wanted is not None and self._processes.dismissed(self._specs[self._wanted].executable):
            self._processes.start([self._specs[self._wanted]])
            self._there, self._wanted = self._wanted, None
        return self._wanted is None

    def mode(self, name):
        """Mode of the policy's rollouts."""
        return self._modes[name]


def add_arguments(parser):
    """Options of ``robot-trials``."""
    add_session_options(parser)
    parser.add_argument('--simulated', action='store_true',
                        help='start the simulated robot too; rollouts start by themselves')
    parser.add_argument('--step-limit', type=int, default=1100, help='rows of 40 ms that a rollout may take')
    add_graph_options(parser, without=(*POLICY, 'task', 'seed', 'output', 'episode', 'reduced', 'leaders'))
    add_operator_options(parser)


def run(args):
    """Lead the operator through what is missing, then write and show the results."""
    if args.simulated:
        check_rendering()
    out = writable_folder(args.out)
    check_space(out)
    from cosmos_policy_ros.rollouts.trial_episodes import EPISODES, judged, verdicts
    from cosmos_policy_ros.rollouts.trial_log import SessionError
    session = read_session(args.description, simulated=args.simulated)
    plan, played = session.plan, 'Played in the simulated graph' if args.simulated else 'Played on the robot'
    base = graph_options(args, output=str(out / EPISODES), seed=0)
    policies = {name: _options(args.description, name, session.common | (own or {}), base)
                for name, own in session.policies.items()}
    settings = plain({name: {key: getattr(own, key) for key in POLICY} for name, own in policies.items()})
    frozen = {'policies': {name: {key: value for key, value in own.items() if key != 'checkpoint'}
                           for name, own in settings.items()},
              'weights': {name: _digest(own) for name, own in policies.items()}, 'simulated': args.simulated,
              'parameters': {name: contents(source_node(own, args.simulated).parameter_files)
                             for name, own in policies.items()},
              'step_limit': args.step_limit, 'safety': contents([config_file(base.safety)])}
    with opened_log(out, plan, frozen) as log:
        try:
            _catch_up(out, plan, log)
            missing = [trial for trial in plan.trials() if trial.number not in log.results]
            if missing and not args.reveal:
                _play(args, plan, missing, log, policies, out / EPISODES)
                _check_complete(plan, log)
            unjudged = verdicts(out, log.results)[0]
            if unjudged and not args.reveal:
                names = ' '.join(str(out / EPISODES / log.results[number]['episode']) for number in unjudged)
                raise CommandError(f'not judged yet: {names}',
                                   '"cosmos-policy-ros label EPISODE --as ...", then this again')
            results = judged(out, log.results)
        except SessionError as error:
            raise CommandError(str(error), 'put the episode back, or begin anew with another --out') from error
        return show_results(args, session, log, results, settings, played)


def _catch_up(out, plan, log):
    """What happened while no command ran: a rollout that ended, labels that make rollouts run again."""
    from cosmos_policy_ros.rollouts.trial_episodes import unnoticed, verdicts
    if log.open is not None:
        number, begun = log.open
        episode = unnoticed(out, plan.trials()[number - 1], begun, log.results)
        if episode is not None:
            log.end(number, {'outcome': 'unnoticed', 'episode': episode})
    for number in verdicts(out, log.results)[1]:
        log.reopen(number)


def _check_complete(plan, log):
    total = len(plan.trials())
    if len(log.results) < total:
        raise CommandError(f'{len(log.results)} of {total} rollouts have ended',
                           'the same command goes on; with --reveal it ends the blinding and shows what there is')


def _play(args, plan, missing, log, policies, output):
    from cosmos_policy_ros.nodes.trial_operator import TrialOperator
    output.mkdir(exist_ok=True)
    first = missing[0].policy
    graphs = {name: {spec.executable: spec for spec in graph(options, args.simulated)}
              for name, options in policies.items()}
    if plan.blind:  # a report tells the policy
        recorder = graphs[first]['recorder_node']
        graphs[first]['recorder_node'] = replace(recorder, parameters={**recorder.parameters, 'report': False})
    with running_graph(graphs[first].values(), args.domain, output, source='operator') as running:
        stage = PolicyStage(running.processes, {name: specs['policy_node'] for name, specs in graphs.items()}, first,
                            plan.blind, {name: options.mode for name, options in policies.items()})
        operator = TrialOperator(running.station, missing, log, stage, plan.announcement, args.step_limit,
                                 alone=args.simulated)

        def check():
            running.check()
            if operator.stuck:
                raise CommandError(operator.said[-2][1], f'see the logs in {output / "logs"}; the same command goes on')
            if operator.over:
                raise SessionOver('all rollouts have ended')

        try:
            operate(operator, running.station, sorted(known_tasks()), check, running.interruption.deferred, args.lines)
        except SessionOver as over:
            say(str(over))


def _options(path, name, changes, base):
    """``GraphOptions`` of one policy."""
    if unknown := set(changes) - set(POLICY):
        raise CommandError(f'{path}: policy {name!r}: unknown {", ".join(sorted(unknown))}; there are '
                           f'{", ".join(POLICY)}', 'settings of a policy in the graph are options of "up"')
    kinds = {item.name: item.type for item in fields(GraphOptions)}
    for key, value in changes.items():
        if type(value) is not kinds[key]:
            raise CommandError(f'{path}: policy {name!r}: {key} {value!r} is no {kinds[key].__name__}')
    options = replace(base, **changes)
    return options if options.server or not options.checkpoint else replace(
        options, checkpoint=str(check_checkpoint(options.checkpoint)))


def _digest(options):
    """Digest of a policy's checkpoint; '' for one that a server has."""
    from cosmos_policy_ros.policy.checkpoint_folder import checkpoint_digest
    return '' if options.server else checkpoint_digest(str(check_checkpoint(options.checkpoint)))
