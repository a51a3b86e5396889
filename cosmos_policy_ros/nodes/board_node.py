"""The operator's board in RViz: a stop source, and everything an operator can ask for, by clicks on stock RViz."""
from dataclasses import dataclass

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from cosmos_policy_ros.bringup.share import config_file

from .board import SPEED, TASK, Board
from .interactive import InteractiveServer
from .operator import Operator
from .parameters import ParameterError, declare, parameter
from .running import run
from .station import Station
from .tasks import load_tasks

NAMESPACE = '/cosmos_policy/board'
PERIOD = 0.1


@dataclass(frozen=True)
class BoardParameters:
    """Parameters of the board."""

    source: str = parameter('rviz', 'id of the stop source that the board is')
    frame: str = parameter('world', 'frame in which the board stands')
    position: list = parameter([0.0, 0.7, 0.6], 'm, the middle of the board in that frame')
    tasks: str = parameter('tasks.yaml', 'tasks to choose from: a file in config/, or a full path')
    task: str = parameter('plate', 'task of the first rollout')
    mode: str = parameter('direct', 'mode of the rollouts: that of the graph')
    seed: int = parameter(0, 'seed of the first rollout; rises by one')
    hands: str = parameter('teleop', 'source that gets the arms when they are taken: "teleop" for leader arms, "jog" for '
                                     'handles and gamepad')
    step_limit: int = parameter(1100, 'rows of 40 ms that a rollout may take', 1, 100_000)


class BoardNode(Node):
    """Shows the board and carries out what is clicked."""

    def __init__(self):
        super().__init__('board')
        p = declare(self, BoardParameters)
        self._station = Station(p.source)
        self._operator = Operator(self._station, p.task, p.seed, p.step_limit, p.mode, p.hands)
        self._board = Board(p.frame, p.position, sorted(load_tasks(config_file(p.tasks))))
        self._server = InteractiveServer(self, NAMESPACE, self._on_click, self._on_choice)
        self.create_timer(PERIOD, self._refresh, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._told = 0

    def close(self):
        """Leave."""
        self._operator.close()
        self._station.close()

    def _on_click(self, name):
        control = self._board.control(name)
        if control is not None:
            self._operator.do(control)

    def _on_choice(self, name, number):
        chosen = self._board.choice(name, number)
        if chosen is None:
            return
        if name == TASK:
            self._operator.task = chosen
        elif name == SPEED:
            self._operator.set_speed(chosen)
        else:
            self._operator.do(self._board.control(name), chosen)

    def _refresh(self):
        self._operator.follow()
        for number, line in list(self._operator.said):
            if number > self._told:
                self._told = number
                self.get_logger().info(line)
        self._server.show(self._board.markers(self._operator.situation(), self._operator.task, self._operator.speed))


def main():
    """Entry point of the executable ``board_node``."""
    run(BoardNode, (ParameterError,))


if __name__ == '__main__':
    main()
