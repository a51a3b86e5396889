"""Savitzky-Golay smoothing of a chunk's rows."""
import numpy as np

from cosmos_policy_ros.embodiment.joints import ARM_INDICES, CHUNK_ROWS


def smoothing_matrix(rows, window, order):
    """The filter as a (rows, rows) matrix.

    Each output row is the least-squares polynomial of ``order`` over the ``window`` rows around it; within half a
    window of an end, over the first or last ``window`` rows (Savitzky and Golay 1964; as SciPy's ``mode='interp'``).

    Raises:
        ValueError: an even window, one longer than the rows, or an order the window cannot determine.
    """
    if window in (0, 1):
        return np.eye(rows)
    if window < 0 or window % 2 == 0 or window > rows:
        raise ValueError(f'smoothing window {window}: expected 0 (off) or an odd number up to {rows}')
    if not 0 <= order < window:
        raise ValueError(f'smoothing order {order}: expected 0 to {window - 1} for a window of {window}')
    # Fitted around the window's centre and scaled to -1..1, so that the powers stay well conditioned.
    powers = np.vander(np.linspace(-1, 1, window), order + 1, increasing=True)
    fit = powers @ np.linalg.pinv(powers)
    matrix = np.zeros((rows, rows))
    for row in range(rows):
        first = min(max(row - window // 2, 0), rows - window)
        matrix[row, first:first + window] = fit[row - first]
    return matrix


class Smoothing:
    """Smooths the arm joints of a chunk; grippers pass unchanged, since their edges are meant.

    Args:
        window: odd number of rows; 0 or 1 switches it off. order: of the polynomial.
    """

    def __init__(self, window=0, order=2, rows=CHUNK_ROWS, columns=ARM_INDICES):
        self._off = window in (0, 1)
        self._matrix = smoothing_matrix(rows, window, order)
        self._columns = list(columns)

    def __call__(self, rows):
        """A smoothed copy of rows (n, 14); unchanged bit for bit when switched off."""
        smooth = np.array(rows, dtype=float)
        if not self._off:
            smooth[:, self._columns] = self._matrix @ smooth[:, self._columns]
        return smooth
