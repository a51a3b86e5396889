"""Data sets, training objective, training and closed-loop evaluation."""
