"""The stop in closed form against one with limited jerk, as the simulated arms follow it.

    python benchmarks/bench_braking.py
"""
import numpy as np
import ruckig

from cosmos_policy_ros.bringup.share import config_file
from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, CONTROL_PERIOD, Side
from cosmos_policy_ros.embodiment.poses import START
from cosmos_policy_ros.safety.braking import Brake
from cosmos_policy_ros.safety.config import load_config
from cosmos_policy_ros.safety.envelope import Envelope
from cosmos_policy_ros.sim.world import World

TICK, STEP = 0.01, 0.002
CASES = ((0, 3.0, -0.8), (1, 2.0, -0.4), (4, 3.0, -0.8))
"""Joint, its speed (rad/s) when the stop comes, and where it begins to move (rad from the start pose)."""
JERKS = (4000.0, 2000.0, 1000.0)
"""rad/s3; the acceleration limit is built up in 10 to 40 ms."""


def jerk_limited(speed, acceleration, jerk):
    """Duration (s) and travel (rad) at a time of a stop that begins at constant speed."""
    request, trajectory = ruckig.InputParameter(1), ruckig.Trajectory(1)
    request.control_interface = ruckig.ControlInterface.Velocity
    request.current_velocity, request.max_acceleration, request.max_jerk = [speed], [acceleration], [jerk]
    ruckig.Ruckig(1).calculate(request, trajectory)
    return trajectory.duration, lambda time: trajectory.at_time(min(time, trajectory.duration))[0][0]


def closed_form(joint, speed, limits):
    """The same of the package's own brake."""
    brake = Brake(np.zeros(14), speed * np.eye(14)[joint], limits, 0.0)
    return brake.duration, lambda time: brake.at(time)[0][joint]


def followed(world, joint, speed, begin, travel):
    """What the simulated joint makes of a stop: way gone after it (rad), peak acceleration, peak torque, s to rest."""
    pose = START.copy()
    pose[joint] += begin
    world.reset(0, pose=pose)
    dof = world.model.joint(f'{Side.LEFT.value}_{ARM_JOINTS[joint]}').dofadr[0]
    for row in range(1, 12):
        pose[joint] += speed * CONTROL_PERIOD * min(1.0, row / 4)
        world.command(pose)
        world.advance(CONTROL_PERIOD)
    goal, way, peak, torque, rest = pose.copy(), [], 0.0, 0.0, 0.0
    for tick in range(1, 101):
        goal[joint] = pose[joint] + travel(tick * TICK)
        world.command(goal)
        for _ in range(round(TICK / STEP)):
            world.advance(STEP)
            peak = max(peak, abs(world.data.qacc[dof]))
            torque = max(torque, abs(world.servo_force(Side.LEFT)[joint]))
            rest = tick * TICK if abs(world.data.qvel[dof]) > 0.1 else rest
        way.append(world.joints(Side.LEFT)[joint] - pose[joint])
    return max(way), peak, torque, rest


def main():
    limits, world = Envelope(load_config(config_file('safety.yaml'))).limits, World('plate')
    for joint, speed, begin in CASES:
        duration, travel = closed_form(joint, speed, limits)
        base, base_way = followed(world, joint, speed, begin, travel), travel(1.0)
        print(f'{ARM_JOINTS[joint]} at {speed} rad/s, closed form: commands at rest after {1e3 * duration:.0f} ms and '
              f'{1e3 * base_way:.0f} mrad; the arm below 0.1 rad/s after {base[3]:.2f} s, peak {base[1]:.0f} rad/s2, '
              f'{base[2]:.1f} N m')
        for jerk in JERKS:
            duration, travel = jerk_limited(speed, limits.acceleration[joint], jerk)
            arm = followed(world, joint, speed, begin, travel)
            print(f'  jerk {jerk:.0f} rad/s3: commands {1e3 * duration:.0f} ms, way x {travel(1.0) / base_way:.2f}; '
                  f'arm: peaks x {arm[1] / base[1]:.2f} and x {arm[2] / base[2]:.2f}, rest after {arm[3]:.2f} s')
    print('[python benchmarks/bench_braking.py]')


if __name__ == '__main__':
    main()
