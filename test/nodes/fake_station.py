"""A station without ROS, for what an operator's panels do with one."""
import threading
import time
from types import SimpleNamespace

PATIENCE = 10.0


def stamp(moment):
    """A message's stamp of s."""
    return SimpleNamespace(sec=int(moment), nanosec=int(moment % 1 * 1e9))


class Status(SimpleNamespace):
    """A supervisor's status that is always new, by ``clock``."""

    @property
    def header(self):
        return SimpleNamespace(stamp=stamp(self.clock()))


class FakeStation:
    """Stands where a ``Station`` stands, without ROS; ``asked`` lists what came, ``told`` what the recorder heard,
    ``hang`` keeps answers back, ``clock`` is the supervisor's."""

    def __init__(self):
        self.asked, self.hang, self.feedback, self.results, self.recorded = [], threading.Event(), None, (), ''
        self.hang.set()
        self.node = SimpleNamespace(create_client=lambda kind, name: name)
        self.runs, self.told, self.clock = [], [], time.monotonic

    def show(self, state, authority='', origin='', blockers=(), causes=(), ages=()):
        """A status. ``causes``: (text, hint, s since when). ``ages``: (input, s)."""
        now = self.clock()
        self.status = Status(
            clock=lambda: self.clock(), state_name=state, authority=authority, origin=origin, blockers=list(blockers),
            armed=state in ('RUNNING', 'HELD'),
            causes=[SimpleNamespace(id='a_cause', text=text, hint=hint, since=stamp(now - age)) for text, hint, age in causes],
            watched=[name for name, _ in ages], ages=[age for _, age in ages],
            speed_scale=1.0, min_clearance=float('nan'), last_event_id=0, rows_accepted=0, rows_clamped=0, rows_refused=0,
            warnings=[])

    @property
    def status_at(self):
        return time.monotonic()

    def tell(self, step, note=''):
        self.told.append((step, note))

    def press(self):
        self.asked.append('press')

    def release(self):
        self.asked.append('release')

    def reset(self):
        self.asked.append('reset')
        return SimpleNamespace(accepted=False, blockers=['still holds: a camera'])

    def label(self, outcome, score, note='', episode=''):
        self.asked.append((outcome, score, note, episode))
        return SimpleNamespace(accepted=True, message='')

    def ask(self, client, request, patience):
        self.asked.append(client)
        self.hang.wait(PATIENCE)
        return SimpleNamespace(success=True, accepted=True, message='done', blockers=[], results=self.results)

    def rollout(self, goal):
        self.asked.append((goal.task, goal.seed, goal.step_limit, goal.mode))
        self.runs.append(SimpleNamespace(result=None, advance=lambda: self.runs[-1].result,
                                         cancel=lambda: self.asked.append('cancel')))
        return self.runs[-1]
