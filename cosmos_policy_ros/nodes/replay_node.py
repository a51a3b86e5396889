"""Replay: the rows of a recorded episode, one every 40 ms, for the safety supervisor to judge once more."""
from dataclasses import dataclass
from pathlib import Path

from rclpy.node import Node

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.control.replay import RecordingError, Replay, on_the_grid
from cosmos_policy_ros.embodiment.joints import CONTROL_PERIOD
from cosmos_policy_ros.rollouts.commands import read_rows
from cosmos_policy_ros.safety.config import ConfigError, load_config
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.safety.ramp import ramp

from .clock import NodeClock
from .parameters import ParameterError, declare, parameter
from .row_source import RowSource
from .running import StartupError, run

AUTHORITY = 'replay'


@dataclass(frozen=True)
class ReplayParameters:
    """Parameters of the replay."""

    episode: str = parameter('', 'folder of the recorded episode')
    safety_config: str = parameter('safety.yaml', 'limits that the approach keeps: a file in config/, or a full path')
    approach_scale: float = parameter(0.2, 'share of the speed limits with which the arms go to the first row', 0.02, 1.0)


class ReplayNode(Node):
    """Plays the episode from its beginning whenever this source is given the arms, then holds its last row."""

    def __init__(self):
        super().__init__('replay')
        self._p = p = declare(self, ReplayParameters)
        self._time = NodeClock(self)
        self._limits = Envelope(load_config(config_file(p.safety_config))).limits
        self._replay = Replay(self._rows(p.episode), self._approach)
        self._source = RowSource(self, self._time, (AUTHORITY,), self._replay)
        self._time.timer(CONTROL_PERIOD / 4, self._source.play)

    def _rows(self, episode):
        folder = Path(episode).expanduser()
        if not episode or not (folder / 'metadata.yaml').is_file():
            raise StartupError(f'episode {episode!r} is no folder of a recorded episode; set the parameter "episode"')
        times, rows, record = read_rows(folder)
        self.get_logger().info(f'ready: {len(rows)} rows of {record.id}, {record.outcome.value}')
        return on_the_grid(times, rows)

    def _approach(self, start, goal):
        return ramp(start, goal, self._limits, CONTROL_PERIOD, self._p.approach_scale, self._source.status.hand_speed)


def main():
    """Entry point of the executable ``replay_node``."""
    run(ReplayNode, (ParameterError, ConfigError, RecordingError))


if __name__ == '__main__':
    main()
