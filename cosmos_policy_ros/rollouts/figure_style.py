"""How the figures look: colours and axes."""

MEASURED, SENT, ASKED = '#1f4e79', '#e07b00', '#8c959f'


def tidy(axis, label):
    """Label the vertical axis in small print; grid, and no box around the plot."""
    axis.set_ylabel(label, fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
    axis.margins(x=0)
    for edge in ('top', 'right'):
        axis.spines[edge].set_visible(False)
