"""Conversion between messages and the records of the other rooms."""
from dataclasses import dataclass

import numpy as np
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from cosmos_policy_ros.embodiment.joints import ARM_JOINTS, JOINT_NAMES
from cosmos_policy_ros.msg import ActionChunk, JointSetpoint, PlanReport, SafetyCause, SafetyStatus

from .clock import NANOSECONDS, seconds


def driver_positions(message, gripper):
    """(7,) positions of one arm from the driver's ``JointState``: six rad, then the normalised gripper.

    An entry that the message does not carry becomes NaN, which the supervisor names and the policy refuses.
    """
    index = {name: i for i, name in enumerate(message.name)}
    values = [message.position[index[name]] if name in index and index[name] < len(message.position) else np.nan
              for name in (*ARM_JOINTS, 'left_finger')]
    return np.array([*values[:6], gripper.observation_from_finger(values[6])])


def driver_motors(message):
    """(7,) rad of one arm's motors from the driver's ``JointState``, gripper last; NaN where the message lacks one."""
    index = {name: i for i, name in enumerate(message.name)}
    places = [index.get(name, len(message.position)) for name in (*ARM_JOINTS, 'gripper')]
    return np.array([message.position[place] if place < len(message.position) else np.nan for place in places])


def driver_efforts(message):
    """(7,) mA of one arm from the driver's ``JointState``, gripper last; None unless every joint has one."""
    index = {name: i for i, name in enumerate(message.name)}
    places = [index.get(name, len(message.effort)) for name in (*ARM_JOINTS, 'gripper')]
    return np.array(message.effort)[places] if max(places) < len(message.effort) else None


@dataclass(frozen=True, eq=False)
class OfferedChunk:
    """A chunk as it came, for the supervisor to judge: ``rows`` (n, 14), or (n, 0) when the message is not one of rows.

    ``observed_at`` in s on the node's clock.
    """

    source: str
    epoch: int
    observed_at: float
    rows: np.ndarray


def offered_chunk(message, clock, period):
    """``OfferedChunk`` of an ``ActionChunk`` message whose rows have to be ``period`` s apart."""
    points = message.trajectory.points
    ordered = message.trajectory.joint_names == list(JOINT_NAMES)
    timed = all(abs(seconds(point.time_from_start) - i * period) < period / 4 for i, point in enumerate(points))
    whole = all(len(point.positions) == len(JOINT_NAMES) for point in points)
    rows = np.array([point.positions for point in points]) if ordered and timed and whole else np.empty((len(points), 0))
    return OfferedChunk(message.source, message.epoch, clock.from_stamp(message.header.stamp), rows)


def chunk_message(chunk, clock):
    """``ActionChunk`` message of a ``control.chunk.ActionChunk``."""
    message = ActionChunk(epoch=chunk.epoch, sequence=chunk.sequence, source=chunk.source,
                          instruction=chunk.instruction, value=float(chunk.value), seed=chunk.seed,
                          planner=chunk.planner, latency_stages=list(chunk.latencies),
                          latency_seconds=list(chunk.latencies.values()))
    message.header.stamp = clock.to_stamp(chunk.observed_at)
    message.trajectory = JointTrajectory(header=message.header, joint_names=list(JOINT_NAMES))
    for index, row in enumerate(chunk.rows):
        point = JointTrajectoryPoint(positions=row.tolist())
        nanoseconds = round(index * chunk.period * NANOSECONDS)
        point.time_from_start.sec, point.time_from_start.nanosec = divmod(nanoseconds, NANOSECONDS)
        message.trajectory.points.append(point)
    return message


def plan_message(plan, chunk, clock):
    """``PlanReport`` message of a ``policy.inference.PlanReport`` and the ``control.chunk.ActionChunk`` it led to."""
    found = plan.candidates
    message = PlanReport(
        epoch=chunk.epoch, sequence=chunk.sequence, candidates=[c.index for c in found], seeds=[c.seed for c in found],
        values=[c.value for c in found], spreads=[c.spread for c in found], members=[c.members for c in found],
        chosen=plan.chosen, depth=plan.depth, calls=plan.calls, workers_lost=plan.workers_lost, elapsed=plan.elapsed,
        deadline_met=plan.deadline_met, fallback=plan.fallback)
    message.header.stamp = clock.to_stamp(chunk.observed_at)
    return message


def setpoint_message(setpoint, clock):
    """``JointSetpoint`` message of a ``control.setpoint.Setpoint``."""
    message = JointSetpoint(source=setpoint.source, epoch=setpoint.epoch, sequence=setpoint.sequence,
                            positions=setpoint.positions.tolist())
    message.header.stamp = clock.to_stamp(setpoint.target_time)
    return message


def safety_status(status, clock):
    """``SafetyStatus`` message of a ``safety.records.Status``; what only the node knows is left to it."""
    return SafetyStatus(
        counter=status.counter, state=int(status.state), state_name=status.state_name, authority=status.authority,
        origin=status.origin, epoch=status.epoch, armed=status.armed, last_event_id=status.last_event_id,
        blockers=list(status.blockers), speed_scale=status.speed_scale, hand_speed=status.hand_speed,
        min_clearance=status.min_clearance, rows_accepted=status.rows_accepted, rows_clamped=status.rows_clamped,
        rows_refused=status.rows_refused, watched=list(status.ages), ages=list(status.ages.values()),
        loop_period_max=status.loop_period_max, causes=[SafetyCause(
            id=active.cause.id, severity=int(active.cause.severity), source=active.source, event_id=active.event_id,
            since=clock.to_stamp(active.since), text=active.text, hint=active.cause.hint) for active in status.causes])
