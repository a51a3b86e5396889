"""Rotations as matrices, vectors and quaternions."""
import numpy as np


def matrix_of_vector(vector):
    """(3, 3) rotation by ``|vector|`` rad about ``vector`` (3,); Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = np.asarray(vector, dtype=float) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def vector_of_matrix(matrix):
    """(3,) rad: the shortest rotation, by up to pi, that ``matrix`` (3, 3) is."""
    x, y, z, w = quaternion_of_matrix(matrix)
    sine = float(np.linalg.norm((x, y, z)))
    return np.array([x, y, z]) * (2 * np.arctan2(sine, w) / sine if sine > 1e-12 else 2.0)


def quaternion_of_matrix(matrix):
    """(x, y, z, w) with w >= 0 of ``matrix`` (3, 3); the largest component first, for accuracy (Shepperd 1978)."""
    trace = float(np.trace(matrix))
    squares = np.array([1 + 2 * matrix[0, 0] - trace, 1 + 2 * matrix[1, 1] - trace, 1 + 2 * matrix[2, 2] - trace, 1 + trace])
    first = int(np.argmax(squares))
    out = np.empty(4)
    out[first] = squares[first]
    if first == 3:
        out[:3] = matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]
    else:
        second, third = (first + 1) % 3, (first + 2) % 3
        out[second] = matrix[first, second] + matrix[second, first]
        out[third] = matrix[first, third] + matrix[third, first]
        out[3] = matrix[third, second] - matrix[second, third]
    out /= np.linalg.norm(out)
    return out if out[3] >= 0 else -out


def matrix_of_quaternion(quaternion):
    """(3, 3) rotation of (x, y, z, w), which need not be of length 1.

    Raises:
        ValueError: not finite, or of no length.
    """
    quaternion = np.asarray(quaternion, dtype=float)
    length = float(np.linalg.norm(quaternion))
    if not np.isfinite(length) or length < 1e-6:
        raise ValueError(f'no rotation: quaternion {quaternion.tolist()}')
    x, y, z, w = quaternion / length
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                     [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                     [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]])
