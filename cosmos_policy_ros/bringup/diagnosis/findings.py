"""The snapshot that every check looks at. Positions rad, lengths m, times s, rates Hz, sizes bytes."""
from dataclasses import dataclass, field

RELIABLE, BEST_EFFORT = 'reliable', 'best_effort'
VOLATILE, TRANSIENT_LOCAL = 'volatile', 'transient_local'


@dataclass(frozen=True)
class Endpoint:
    """A publisher or a subscription: full name of its node, message type, quality of service. ``host``: the middleware's
    number of the computer that it is on, '' when unknown."""

    node: str
    type: str
    reliability: str = RELIABLE
    durability: str = VOLATILE
    host: str = ''


@dataclass(frozen=True)
class Graph:
    """What discovery shows. ``nodes``: full names, one entry for each. ``publishers``, ``subscriptions``: {topic: tuple of
    ``Endpoint``}. ``services``: names. ``parameters``: {full name of a node: {parameter: value}} of those that were asked.
    ``host``: of this process, as in ``Endpoint``."""

    nodes: tuple = ()
    publishers: dict = field(default_factory=dict)
    subscriptions: dict = field(default_factory=dict)
    services: frozenset = frozenset()
    parameters: dict = field(default_factory=dict)
    host: str = ''

    def at(self, topic):
        """Publishers of a topic."""
        return self.publishers.get(topic, ())


@dataclass(frozen=True)
class Arm:
    """One follower. ``heard``: joint states that came; the next six are of them: ``rate`` from their stamps, ``age`` of the
    newest when it came, by the clock of this machine, ``names``, ``positions`` and ``lengths`` (of name, position, velocity,
    effort) of the newest; ``moved``: rad that the joint that moved most went.

    ``lower``, ``upper``: limits of the arm joints as the driver reports them, None when it was not asked. ``judged``: what
    the start-up checks of the arms found, (check, found, fix) of each that fails; None when registers were not read.
    """

    side: str
    namespace: str
    heard: int = 0
    rate: float = 0.0
    age: float = 0.0
    names: tuple = ()
    positions: tuple = ()
    lengths: tuple = ()
    moved: float = 0.0
    lower: tuple = None
    upper: tuple = None
    judged: tuple = None
    hung: str = ''


@dataclass(frozen=True)
class Camera:
    """One camera. ``heard``: pictures that came; what follows is of them. ``refused``: why one could not be used, ''.
    ``brightness``: mean of the newest, 0 to 255. ``still``: s for which no pixel changed. ``serial``: of the publishing
    node, '' when it tells none. ``stamp``: of the newest, s."""

    name: str
    topic: str
    heard: int = 0
    width: int = 0
    height: int = 0
    encoding: str = ''
    rate: float = 0.0
    age: float = 0.0
    stamp: float = 0.0
    refused: str = ''
    brightness: float = 128.0
    still: float = 0.0
    serial: str = ''


@dataclass(frozen=True)
class Safety:
    """The newest status of the supervisor: state, armed, its causes as (id, hint), last event, digest of its limits."""

    state: str = 'READY'
    armed: bool = False
    causes: tuple = ()
    last_event: int = 0
    digest: str = ''


@dataclass(frozen=True)
class Process:
    """A process of this package or of a robot driver. ``started``: s since boot. ``environment``: its ROS variables."""

    pid: int
    name: str
    started: float = 0.0
    environment: dict = field(default_factory=dict)

    @property
    def domain(self):
        """ROS domain id as text."""
        return self.environment.get('ROS_DOMAIN_ID') or '0'


@dataclass(frozen=True)
class Machine:
    """This computer. ``imports``: {module: why it cannot be imported, '' if it can}. ``latency_timers``: {serial adapter:
    ms}. ``serial_links``: names below /dev of arms, ``forbidden_ports``: those that may not be opened. ``usb_speeds``:
    {camera: Mbit/s}. ``priority_limit``: of SCHED_FIFO for this user. ``time_services``: names of those that run.
    ``unwritable``: why the latch file cannot be written, '' if it can. ``rendering``: why the simulated cameras cannot be
    drawn, '' if they can."""

    python: tuple
    imports: dict
    disk_free: int
    shared_memory_free: int
    environment: dict = field(default_factory=dict)
    processes: tuple = ()
    latency_timers: dict = field(default_factory=dict)
    serial_links: tuple = ()
    forbidden_ports: tuple = ()
    usb_speeds: dict = field(default_factory=dict)
    priority_limit: int = 0
    receive_buffer: int = 0
    time_services: tuple = ()
    missing_files: tuple = ()
    unwritable: str = ''
    rendering: str = ''


@dataclass(frozen=True)
class Model:
    """The checkpoint that would run. ``problem``: why it cannot be read. ``size``: of its weights. ``device``: chosen for
    it, ``device_problem`` why there is none such, ``device_memory`` that it has in all and ``device_free`` of it (0: a CPU).
    ``instructions``: it knows; None for any. ``instruction``: of the chosen task. ``start_range``: {side of an arm: (lower,
    upper) (6,)} that its training data span, a tolerance included; empty when unknown."""

    source: str
    problem: str = ''
    robot: str = 'aloha'
    preset: str = ''
    size: int = 0
    device: str = 'cpu'
    device_problem: str = ''
    device_memory: int = 0
    device_free: int = 0
    instructions: tuple = None
    instruction: str = ''
    start_range: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """What the configuration wants.

    ``domain``: ROS domain as text. ``robot``, ``nodes``: the robot's drivers, and our own nodes, have to be there. ``sim``:
    it is the simulated robot. ``arm_services``: names below an arm's namespace. ``park``: (6,) pose of rest of an arm.
    ``envelope``: (lower, upper) (6,) that commands are held to. ``linkage``: (horn, arm) m of the gripper map.
    ``encodings``, ``width``, ``height``, ``camera_rate``, ``skew`` (s between the cameras), ``serials`` {camera: serial}: of
    the cameras. ``disk_kept``: that the recorder leaves free. ``safety_problem``, ``safety_digest``: of the file.
    """

    domain: str
    robot: bool
    nodes: bool
    sim: bool
    state_rate: float
    arm_services: tuple
    park: tuple
    envelope: tuple
    linkage: tuple
    transport: str
    encodings: tuple
    width: int
    height: int
    camera_rate: float
    skew: float
    serials: dict
    disk_kept: int
    checkpoint_robot: str = 'aloha'
    safety_problem: str = ''
    safety_digest: str = ''


@dataclass(frozen=True)
class Findings:
    """The snapshot. What could not be looked at is None, or an empty tuple. ``wrist_cameras``: 'straight', 'swapped' or
    'undecided'. ``server``: why the /act server cannot be used, '' when it can."""

    expected: Expected
    machine: Machine
    model: Model = None
    graph: Graph = None
    arms: tuple = ()
    cameras: tuple = ()
    safety: Safety = None
    wrist_cameras: str = 'undecided'
    server: str = None
