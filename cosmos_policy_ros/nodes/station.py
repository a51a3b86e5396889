"""The operator's end inside a terminal program: a stop source, the rollout action's client and a view of the state."""
import json
import math
import time

from rclpy.action import ActionClient
from std_msgs.msg import String

from cosmos_policy_ros.action import RunRollout
from cosmos_policy_ros.msg import SafetyStatus
from cosmos_policy_ros.srv import Arm, LabelEpisode, ResetSafety

from .background import BackgroundNode
from .qos import LATCHED
from .steps import Steps
from .stop_button import StopButton

DISCOVERY = 2.0
"""s of wall time in which nodes on the same host find each other."""


class Station(BackgroundNode):
    """Every method may be called from the main thread. It is in the graph from the start, until it is closed: a required
    stop source that leaves counts as pressed.

    Args:
        source: id of the stop source that this station is.
        heartbeat: send released heartbeats from the start; without, only an explicit stop is sent.
    """

    def __init__(self, source, heartbeat=True):
        super().__init__(f'station_{source}')
        self.status, self.status_at, self.feedback, self.recorded = None, -math.inf, None, ''
        self._source, self._steps = source, Steps(self.node, source)
        self._stop = StopButton(self.node, source, lambda: self.status.counter if self.status else 0)
        self._stop.set(False if heartbeat else None)
        self.node.create_subscription(SafetyStatus, '/cosmos_policy/safety_status', self._on_status, LATCHED)
        self.node.create_subscription(String, '/cosmos_policy/recording', self._on_recording, LATCHED)
        self._rollout = ActionClient(self.node, RunRollout, '/cosmos_policy/run_rollout')
        self._arm = self.node.create_client(Arm, '/cosmos_policy/arm')
        self._reset = self.node.create_client(ResetSafety, '/cosmos_policy/reset_safety')
        self._label = self.node.create_client(LabelEpisode, '/cosmos_policy/label_episode')
        self.start()

    def __enter__(self):
        return self

    def others(self):
        """Names of this package's nodes that already run in this domain, after a time for discovery."""
        time.sleep(DISCOVERY)
        ours = {'safety_supervisor', 'safety_guard', 'safety_monitor', 'policy', 'rollout', 'recorder', 'sim', 'teleop', 'replay'}
        return sorted(ours.intersection(self.node.get_node_names()))

    def press(self):
        """Press this source's stop button, and keep it pressed: told at once, and with every heartbeat."""
        self._stop.set(True)

    def release(self):
        """Let go of the stop button. The supervisor's latch stays until it is reset."""
        self._stop.set(False)

    def be_silent(self):
        """Say nothing more: nobody is there who could press it."""
        self._stop.set(None)

    def attended(self, patience=math.inf):
        """As ``StopButton.attended``: for a panel that may be there and yet not hear its keys."""
        self._stop.attended(patience)

    def rollout(self, goal):
        """Send a ``RunRollout`` goal; returns a ``Run``."""
        return Run(self._rollout, goal, self._on_feedback, self.executor)

    def arm(self, authority='', patience=5.0):
        """Ask the supervisor to give the arms to ``authority``, or to take them back; the response or None."""
        return self.ask(self._arm, Arm.Request(arm=bool(authority), authority=authority), patience)

    def label(self, outcome, score, note='', episode='', patience=5.0):
        """End the running episode with a judgement, or label the ``episode`` recorded last; the response or None."""
        request = LabelEpisode.Request(episode=episode, outcome=outcome, score=score, note=note, source=self._source)
        return self.ask(self._label, request, patience)

    def tell(self, step, note=''):
        """Let the recorder know that a person has asked for ``step`` here."""
        self._steps.tell(step, note)

    def reset(self, patience=5.0):
        """Ask for a reset naming the last event seen; the response or None."""
        event = self.status.last_event_id if self.status else 0
        return self.ask(self._reset, ResetSafety.Request(event_id=event), patience)

    def _on_status(self, message):
        self.status, self.status_at = message, time.monotonic()

    def _on_recording(self, message):
        content = json.loads(message.data)
        self.recorded = content['episode'] if content['bag'] else ''

    def _on_feedback(self, message):
        self.feedback = message.feedback


class Run:
    """A rollout under way. All of the action protocol runs in the station's own thread."""

    def __init__(self, client, goal, on_feedback, executor):
        self._client, self._goal, self._on_feedback, self._executor = client, goal, on_feedback, executor
        self._task = self._handle = None

    def advance(self):
        """Send the goal once the conductor is there.

        Returns:
            The ``RunRollout.Result`` when the rollout has ended, else None.

        Raises:
            RuntimeError: the conductor is busy with another rollout.
        """
        if self._task is None:
            if self._client.server_is_ready():
                self._task = self._executor.create_task(self._follow)
        elif self._task.done():
            return self._task.result()
        return None

    async def _follow(self):
        handle = await self._client.send_goal_async(self._goal, feedback_callback=self._on_feedback)
        if not handle.accepted:
            raise RuntimeError('another rollout is running')
        self._handle = handle
        return (await handle.get_result_async()).result

    def cancel(self):
        """Ask for an early end; the result still comes."""
        if self._handle is not None:
            self._executor.create_task(self._handle.cancel_goal_async)

    @property
    def accepted(self):
        """Whether the conductor has taken the goal."""
        return self._handle is not None
