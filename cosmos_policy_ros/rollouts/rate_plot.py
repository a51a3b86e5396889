"""Success rates of several settings side by side; needs no recording."""
import numpy as np
from matplotlib.figure import Figure

from .figure_style import ASKED, MEASURED, tidy


def rate_figure(rates):
    """Success rates with their intervals, one line each; ``rates``: name -> (rate, low, high), each 0 to 1."""
    figure = Figure(figsize=(8, 1.2 + 0.35 * len(rates)), layout='constrained')
    axis = figure.subplots()
    rate, low, high = 100 * np.array(list(rates.values())).T
    lines = np.arange(len(rates))
    axis.errorbar(rate, lines, xerr=(rate - low, high - rate), fmt='o', color=MEASURED, ecolor=ASKED, capsize=3)
    axis.axvline(rate[0], color=ASKED, linewidth=0.8, linestyle=':')
    axis.set_yticks(lines, list(rates))
    axis.invert_yaxis()
    axis.set_xlabel('success (%), 95 % interval; dotted: the first')
    tidy(axis, '')
    axis.margins(x=0.05, y=0.1)
    return figure
