"""Figures of an episode: joints and grippers, safety states, value and latency."""
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..embodiment.joints import ARM_INDICES, CONTROL_PERIOD, SIDES
from .figure_style import ASKED, MEASURED, SENT, tidy
from .series import MOTORS

STATE_COLOURS = {
    'BOOT': '#d0d7de', 'DISARMED': '#afb8c1', 'READY': '#9ec5e8', 'RUNNING': '#4c9f70', 'STOPPING': '#e6b800',
    'HELD': '#f0c674', 'PROTECTIVE_STOP': '#e07b00', 'ESTOPPED': '#a40e26', 'FAULT': '#5c0a17'}


def joint_figure(series):
    """Seven rows, a column for each arm: asked of and sent by the supervisor, and measured, in rad over s."""
    figure = Figure(figsize=(13, 12), layout='constrained')
    axes = figure.subplots(len(MOTORS), len(SIDES), sharex=True)
    for column, side in enumerate(SIDES):
        measured, sent, gripper = series.measured[column], series.sent[column], series.gripper_sent[column]
        for row, motor in enumerate(MOTORS):
            axis = axes[row, column]
            if row < 6:
                index = ARM_INDICES[6 * column + row]
                axis.plot(series.asked.time, series.asked.value[:, index], color=ASKED, linewidth=2.6, alpha=0.6,
                          label='asked')
                axis.step(sent.time, sent.value[:, row], where='post', color=SENT, linewidth=1.3, label='sent')
            else:
                axis.step(gripper.time, gripper.value, where='post', color=SENT, linewidth=1.3, label='sent')
            axis.plot(measured.time, measured.value[:, row], color=MEASURED, linewidth=1.1, label='measured')
            tidy(axis, f'{motor.replace("_", " ")} (rad)')
        axes[0, column].set_title(f'{side.value} arm', fontsize=11)
        axes[-1, column].set_xlabel('time (s)')
        axes[-1, column].set_xlim(0, _span(series))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=3, loc='outside upper center', frameon=False)
    return figure


def policy_figure(series):
    """Safety states, predicted value and inference latency by stage, over s.

    A planner's candidates are dashes at their values, the chosen ones wider.
    """
    figure = Figure(figsize=(13, 5.5), layout='constrained')
    states, values, latencies = figure.subplots(3, 1, sharex=True, height_ratios=(0.8, 2, 2))
    _draw_states(states, series)
    for plan in series.plans:
        values.plot(np.full(len(plan.values), plan.time), plan.values, '_', color=ASKED, markersize=9)
        if plan.chosen is not None:
            values.plot(plan.time, plan.values[plan.chosen], '_', color=SENT, markersize=14, markeredgewidth=2.5)
    values.plot(series.value.time, series.value.value, 'o-', color=MEASURED, markersize=4, linewidth=1.1)
    values.set_ylim(-0.05, 1.05)
    tidy(values, 'value, candidates' if series.plans else 'value')
    bottom = np.zeros(len(series.latency.time))
    for index, stage in enumerate(series.stages):
        if stage == 'total':
            continue
        height = np.nan_to_num(series.latency.value[:, index])
        latencies.bar(series.latency.time, height, 0.25, bottom, label=stage)
        bottom += height
    if series.stages:
        latencies.legend(fontsize=8, ncols=len(series.stages), framealpha=0.9)
    tidy(latencies, 'inference (s)')
    latencies.set_xlabel('time (s)')
    latencies.set_xlim(0, _span(series))
    return figure


def latency_figure(seconds):
    """Histogram of (n,) s from observation to chunk."""
    figure = Figure(figsize=(13, 2.6), layout='constrained')
    axis = figure.subplots()
    axis.hist(1000 * np.asarray(seconds), bins=min(40, max(5, len(seconds))), color=MEASURED)
    tidy(axis, 'chunks')
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel('inference (ms)')
    return figure


def success_figure(verdicts):
    """Share of successes so far over the number of episodes; ``verdicts``: name -> (n,) of True and False, in order."""
    figure = Figure(figsize=(13, 3), layout='constrained')
    axis = figure.subplots()
    for name, successes in verdicts.items():
        counts = np.arange(1, len(successes) + 1)
        axis.plot(counts, 100 * np.cumsum(successes) / counts, 'o-', markersize=4, linewidth=1.1, label=name)
    axis.set_ylim(-3, 103)
    axis.legend(fontsize=8, frameon=False)
    tidy(axis, 'successes so far (%)')
    axis.margins(x=0.02)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel('episodes')
    return figure


def _span(series):
    """Seconds to show; never zero."""
    return max(series.record.duration, CONTROL_PERIOD)


def _draw_states(axis, series):
    time, names = series.state.time, series.state.value
    ends = [*time[1:], series.record.duration] if len(time) else []
    labelled = set()
    for begin, end, name in zip(time, ends, names):
        axis.axvspan(begin, end, color=STATE_COLOURS.get(name, '#ffffff'), linewidth=0,
                     label=None if name in labelled else name)
        labelled.add(name)
    axis.set_yticks([])
    axis.set_ylabel('safety')
    if labelled:
        axis.legend(ncols=len(labelled), loc='lower left', bbox_to_anchor=(0, 1), fontsize=8, frameon=False)
