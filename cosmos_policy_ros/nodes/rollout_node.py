"""The rollout conductor: one episode from reset to judgement, offered as the action ``run_rollout``."""
import json
from dataclasses import dataclass
from datetime import datetime

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import String

from cosmos_policy_ros.action import RunRollout
from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.msg import ActionChunk, EpisodeEvent, JointSetpoint, SafetyStatus, TaskState
from cosmos_policy_ros.rollouts.holder import Change, Holder
from cosmos_policy_ros.rollouts.labels import LabelError, Verdict, add_label, label_of
from cosmos_policy_ros.rollouts.rising import RisingCount
from cosmos_policy_ros.srv import Arm, LabelEpisode, ResetSimulation, SetTask

from .clock import NodeClock
from .parameters import ParameterError, declare, parameter
from .qos import EVENT, LATCHED, ROW, SENSOR
from .running import run
from .tasks import load_tasks
from .waiting import Waiting

TAKEOVERS = {Change.TAKEN: EpisodeEvent.INTERVENTION_BEGIN, Change.HANDED_BACK: EpisodeEvent.INTERVENTION_END}
AUTHORITIES = {'direct': 'policy', 'planning': 'policy', 'teleop': 'demonstration', 'replay': 'replay'}
"""Who gets the arms, by the mode of a rollout."""

NODES = {'policy': 'policy_node', 'demonstration': 'teleop_node', 'teleop': 'teleop_node', 'replay': 'replay_node'}
OUTCOMES = {Verdict.SUCCESS: 'success', Verdict.PARTIAL: 'failure', Verdict.FAILURE: 'failure',
            Verdict.DISCARD: 'interrupted', Verdict.REDO: 'interrupted'}
"""How the running episode ends when it is judged so. Its score tells a partial success from a failure; that it is no data,
a label beside the bag."""

ACTION = '/cosmos_policy/run_rollout'
FEEDBACK_TOPIC = f'{ACTION}/_action/feedback'
HOLD = 2
"""``SafetyCause.severity`` from which on rows are refused until the policy is armed again."""

SETTLED = 4
"""Statuses, 0.4 s, to wait for after a reset: what the supervisor said before it is about arms that stood elsewhere."""

LATCHED_STATES = (SafetyStatus.PROTECTIVE_STOP, SafetyStatus.ESTOPPED, SafetyStatus.FAULT)


@dataclass(frozen=True)
class RolloutParameters:
    """Parameters of the rollout conductor."""

    simulated: bool = parameter(True, 'reset the simulator before and take its judgement; false on a robot')
    ready_timeout: float = parameter(60.0, 's of wall time that all nodes have to become ready', 1.0, 600.0)
    service_timeout: float = parameter(5.0, 's of wall time that a service has to answer', 0.5, 60.0)
    stall_timeout: float = parameter(30.0, 's of wall time without a new row that end an episode', 1.0, 600.0)
    clutch_timeout: float = parameter(600.0, 's of wall time that a person has to send a first row', 1.0, 86400.0)
    tasks: str = parameter('tasks.yaml', 'instruction of every task, where no policy knows it: a file in config/, or a full '
                           'path')
    reduced: bool = parameter(False, 'mode teleop: as the source "teleop", at the reduced hand speed, not "demonstration"')
    record: bool = parameter(True, 'wait for the recorder at both ends of an episode')
    record_timeout: float = parameter(120.0, 's of wall time that the recorder has to finish bag and report', 1.0, 3600.0)


class RolloutRefused(Exception):
    """The episode cannot start; the message says why and what to do next."""


class RolloutNode(Node):
    """Runs one episode at a time; it asks the supervisor for everything and commands no arm itself."""

    def __init__(self):
        super().__init__('rollout')
        self._p = declare(self, RolloutParameters)
        self._time = NodeClock(self)
        self._safety, self._task, self._recording = None, None, {}
        self._rows = self._chunks = 0
        self._value, self._interventions = 0.0, RisingCount()
        self._busy, self._episode_id, self._label, self._holder = False, '', None, None
        self._tasks = load_tasks(config_file(self._p.tasks))
        wall = Clock(clock_type=ClockType.STEADY_TIME)
        self._waiting = Waiting(self, lambda period, callback: self.create_timer(period, callback, clock=wall))
        self._events = self.create_publisher(EpisodeEvent, '/cosmos_policy/episode_event', EVENT)
        self._arm = self.create_client(Arm, '/cosmos_policy/arm')
        self._set_task = self.create_client(SetTask, '/cosmos_policy/set_task')
        self._reset = self.create_client(ResetSimulation, '/sim/reset')
        self.create_service(LabelEpisode, '/cosmos_policy/label_episode', self._on_label)
        self.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_safety, LATCHED)
        self.create_subscription(TaskState, '/sim/task_state', self._on_task, SENSOR)
        self.create_subscription(ActionChunk, '/cosmos_policy/chunk', self._on_chunk, EVENT)
        self.create_subscription(JointSetpoint, '/cosmos_policy/setpoint', self._on_row, ROW)
        self.create_subscription(String, '/cosmos_policy/recording', self._on_recording, LATCHED)
        self._server = ActionServer(self, RunRollout, ACTION, self._execute,
                                    goal_callback=self._on_goal, cancel_callback=lambda _: CancelResponse.ACCEPT,
                                    callback_group=MutuallyExclusiveCallbackGroup())  # a goal waits; nothing else may

    def _on_safety(self, message):
        self._safety = message
        self._interventions.see(message.rows_clamped + message.rows_refused)
        if self._holder is not None:
            change = self._holder.see(message.armed, message.authority, message.origin, message.epoch)
            if change in TAKEOVERS:
                self._events.publish(EpisodeEvent(header=message.header, kind=TAKEOVERS[change], episode=self._episode_id,
                                                  score=float('nan'), note=message.authority))

    def _on_task(self, message):
        self._task = message

    def _on_chunk(self, message):
        self._chunks += 1
        self._value = message.value

    def _on_row(self, _):
        self._rows += 1

    def _on_recording(self, message):
        self._recording = json.loads(message.data)

    def _on_label(self, request, response):
        """The operator's judgement ends the running episode, or is a label of the one that was recorded last."""
        try:
            label = label_of(request.outcome, request.score, request.note, 'operator', request.source)
            take = self._label_running if self._episode_id else self._label_recorded
            response.message = take(request.episode, label)
        except (OSError, LabelError) as error:
            response.message = str(error)
        response.accepted = not response.message
        return response

    def _label_running(self, episode, label):
        """Let the running episode end with this label; returns why not."""
        if episode not in ('', self._episode_id):
            return f'episode {episode!r} is not running'
        self._label = label
        event = EpisodeEvent(kind=EpisodeEvent.LABEL, episode=self._episode_id, outcome=label.verdict.value,
                             score=self._score(), note=label.note, metadata=json.dumps({'source': label.source}))
        event.header.stamp = self.get_clock().now().to_msg()
        self._events.publish(event)
        return ''

    def _label_recorded(self, episode, label):
        """Label the last recorded episode; returns why not."""
        last, bag = self._recording.get('episode'), self._recording.get('bag')
        if not bag or episode != last:
            return 'no episode is running' + (f'; {last} was recorded last, earlier ones are labelled with '
                                              '"cosmos-policy-ros label"' if bag else '')
        add_label(bag, label)
        return ''

    async def _on_goal(self, _):
        # Discovery of a client ends with its feedback reader; an answer sent before that would be lost.
        known = lambda: self.count_subscribers(FEEDBACK_TOPIC) > 0  # noqa: E731
        await self._waiting.until(known, self._p.service_timeout)
        return GoalResponse.REJECT if self._busy else GoalResponse.ACCEPT

    async def _execute(self, handle):
        self._busy = True
        try:
            return await self._episode(handle)
        finally:
            self._busy = False

    async def _episode(self, handle):
        goal, result = handle.request, RunRollout.Result()
        try:
            self._report(handle, 'reset')
            authority = self._authority(goal)
            task = await self._prepare(goal, authority)
            result.episode = await self._begin(goal, task)
            self._report(handle, 'arm')
            epoch = await self._take_arms(authority)
        except RolloutRefused as refusal:
            result.outcome, result.message = 'interrupted', str(refusal)
            if result.episode:
                await self._close(goal, result, '')
            result.outcome = 'refused'
            handle.abort()
            return result
        self._interventions.begin()
        self._episode_id, self._holder = result.episode, Holder(authority, epoch)
        result.outcome, result.message = await self._watch(handle, goal)
        self._episode_id, self._holder = '', None
        await self._waiting.answer(self._arm, Arm.Request(arm=False), self._p.service_timeout)
        result.steps, result.chunks = self._rows, self._chunks
        result.interventions = self._interventions.total
        self._report(handle, 'close')
        await self._close(goal, result, task.instruction)
        self._keep_apart(result)
        if handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.succeed()
        return result

    def _report(self, handle, stage):
        state = self._safety.state_name if self._safety else ''
        handle.publish_feedback(RunRollout.Feedback(step=self._rows, chunks=self._chunks, value=float(self._value),
                                                    state=state, stage=stage))

    def _authority(self, goal):
        if goal.mode not in AUTHORITIES:
            raise RolloutRefused(f'unknown mode {goal.mode!r}; use one of {", ".join(AUTHORITIES)}')
        return 'teleop' if goal.mode == 'teleop' and self._p.reduced else AUTHORITIES[goal.mode]

    async def _prepare(self, goal, authority):
        """Check that everybody is there, tell the policy the task, put the simulator back to its start."""
        p = self._p
        source = NODES[authority]
        there = self._set_task.service_is_ready if authority == AUTHORITIES['direct'] else \
            lambda: source.removesuffix('_node') in self.get_node_names()
        needed = {'supervisor_node': lambda: self._safety is not None, source: there}
        if p.simulated:
            needed['sim_node'] = self._reset.service_is_ready
        if p.record:
            needed['recorder_node'] = lambda: self.count_subscribers('/cosmos_policy/episode_event') > 0
        if not await self._waiting.until(lambda: all(ready() for ready in needed.values()), p.ready_timeout):
            missing = ', '.join(name for name, ready in needed.items() if not ready())
            raise RolloutRefused(f'{missing} not there after {p.ready_timeout:.0f} s; see its log')
        task = await self._told(goal, authority)
        if p.simulated:
            reset = await self._waiting.answer(self._reset, ResetSimulation.Request(
                task=goal.task, seed=goal.seed), p.service_timeout)
            if reset is None or not reset.accepted:
                raise RolloutRefused(reset.message if reset else 'sim_node does not answer; see its log')
            self._task = None
        seen = self._safety.counter
        free = lambda: self._safety.counter >= seen + SETTLED and not self._safety.blockers  # noqa: E731
        if not await self._waiting.until(free, p.service_timeout):
            late = f'no {SETTLED} statuses within {p.service_timeout:.0f} s; this computer is too busy, or raise service_timeout'
            raise RolloutRefused('the supervisor would not arm: ' + ('; '.join(self._safety.blockers) or late))
        return task

    async def _told(self, goal, authority):
        """The ``SetTask.Response`` of the policy; of a source that needs no telling, what it would have been."""
        if authority != AUTHORITIES['direct']:
            instruction = goal.instruction or self._tasks.get(goal.task, '')
            if not instruction:
                raise RolloutRefused(f'unknown task {goal.task!r}; known: {", ".join(sorted(self._tasks))}')
            return SetTask.Response(accepted=True, instruction=instruction, policy='{}')
        task = await self._waiting.answer(self._set_task, SetTask.Request(
            task=goal.task, instruction=goal.instruction), self._p.service_timeout)
        if task is None or not task.accepted:
            raise RolloutRefused(task.message if task else 'policy_node does not answer; see its log')
        return task

    async def _begin(self, goal, task):
        """Open the recording; returns the episode's id."""
        self._rows = self._chunks = 0
        self._label = None
        # Date and time of the computer: simulated time repeats from run to run.
        episode = f'{goal.task}_{goal.seed}_{datetime.now():%Y%m%d-%H%M%S}'
        facts = {**json.loads(task.policy), 'safety_config': self._safety.config_digest, 'mode': goal.mode,
                 'step_limit': goal.step_limit}
        event = EpisodeEvent(kind=EpisodeEvent.BEGIN, episode=episode, task=goal.task, instruction=task.instruction,
                             seed=goal.seed, score=float('nan'), metadata=json.dumps(facts))
        event.header.stamp = self.get_clock().now().to_msg()
        self._events.publish(event)
        opened = lambda: self._recording.get('episode') == episode  # noqa: E731
        if self._p.record and not await self._waiting.until(opened, self._p.service_timeout):
            raise RolloutRefused(f'recorder_node did not open episode {episode}; see its log')
        if self._p.record and self._recording.get('state') == 'error':
            raise RolloutRefused(self._recording.get('message', 'recorder_node reports an error'))
        return episode

    async def _take_arms(self, authority):
        """Arm the source; returns the epoch."""
        reply = await self._waiting.answer(self._arm, Arm.Request(arm=True, authority=authority), self._p.service_timeout)
        if reply is None:
            raise RolloutRefused('supervisor_node does not answer; see its log')
        if not reply.accepted:
            raise RolloutRefused('the supervisor refuses to arm: ' + '; '.join(reply.blockers))
        return reply.epoch

    async def _watch(self, handle, goal):
        """Follow the episode to its end; returns outcome and message."""
        while True:
            rows = self._rows
            ended = lambda: self._ending(handle, goal)  # noqa: E731
            patience = self._p.clutch_timeout if goal.mode == 'teleop' and not rows else self._p.stall_timeout
            if await self._waiting.until(lambda: ended() or self._rows >= rows + 10, patience):
                self._report(handle, 'run')
                if ended():
                    return ended()
            elif not self._holder.taken:  # an operator may stand still
                return 'failure', f'no new row for {patience:.0f} s; see the log of the node that sends them'

    def _ending(self, handle, goal):
        """(outcome, message) when the episode is over, else None."""
        if handle.is_cancel_requested:
            return 'interrupted', 'cancelled'
        if self._label is not None:
            return OUTCOMES[self._label.verdict], self._label.note
        if self._task is not None and self._task.success:
            return 'success', ''
        causes = '; '.join(f'{c.id}: {c.text}' for c in self._safety.causes)
        held = self._rows and not self._holder.taken and any(cause.severity >= HOLD for cause in self._safety.causes)
        if held or self._safety.state in LATCHED_STATES:
            return 'stopped', causes
        if self._rows and self._holder.lost:
            return 'stopped', causes or 'the supervisor took the arms back'
        if self._rows >= goal.step_limit:
            return 'timeout', f'not done after {goal.step_limit} rows'
        return None

    def _score(self):
        if self._label is not None:
            return float('nan') if self._label.score is None else self._label.score
        return self._task.score if self._task else float('nan')

    async def _close(self, goal, result, instruction):
        """End the recording and wait for its folder; what went wrong with it joins the result's message."""
        event = EpisodeEvent(kind=EpisodeEvent.END, episode=result.episode, task=goal.task, instruction=instruction,
                             seed=goal.seed, outcome=result.outcome, steps=result.steps, note=result.message,
                             score=self._score(),
                             metadata=json.dumps({'chunks': result.chunks, 'interventions': result.interventions}))
        event.header.stamp = self.get_clock().now().to_msg()
        self._events.publish(event)
        finished = lambda: (self._recording.get('episode') == result.episode  # noqa: E731
                            and self._recording.get('state') in ('finished', 'error'))
        if not self._p.record:
            return
        if await self._waiting.until(finished, self._p.record_timeout):
            result.bag = self._recording['bag']
            problem = self._recording['message']
        else:
            problem = f'recorder_node did not finish within {self._p.record_timeout:.0f} s; see its log'
        result.message = '; '.join(filter(None, (result.message, problem)))

    def _keep_apart(self, result):
        """Beside its bag an episode says that it is no data."""
        if not result.bag or self._label is None or self._label.usable:
            return
        try:
            add_label(result.bag, self._label)
        except (OSError, LabelError) as error:
            problem = f'not labelled {self._label.verdict.value}: {error}'
            result.message = '; '.join(filter(None, (result.message, problem)))


def main():
    """Entry point of the executable ``rollout_node``."""
    run(RolloutNode, (ParameterError,))


if __name__ == '__main__':
    main()
