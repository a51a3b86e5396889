"""Rotary positions of the latent tokens: parts of a head's numbers turn with time, with rows and with columns."""
import torch


def rotary_frequencies(dim, scale, bf16_exponents):
    """(dim/2,) float32 angles per position step along one axis.

    theta = 10000 * scale^(dim/(dim-2)), frequency i = theta^(-2i/dim). With ``bf16_exponents`` the exponents 2i/dim are
    rounded to bfloat16 first: the published model kept them in a buffer that was cast along with its weights.
    """
    theta = 10000.0 * scale ** (dim / (dim - 2))
    exponents = torch.arange(0, dim, 2, dtype=torch.float32, device='cpu') / dim
    if bf16_exponents:
        exponents = exponents.bfloat16().float()
    return 1.0 / theta ** exponents


def rotary_angles(grid, head_dim, scale, bf16_exponents=False):
    """(frames*rows*columns, head_dim/2) float32 angles, rad, on the CPU: those of time, then of rows, then of columns.

    Number i of a head and number i + head_dim/2 are the pair that angle i turns.

    Args:
        grid: tokens along (frames, rows, columns). scale: extrapolation ratios in the same order.
    """
    spatial = head_dim // 6 * 2
    axes = []
    for axis, dim in enumerate((head_dim - 2 * spatial, spatial, spatial)):
        steps = torch.arange(grid[axis], dtype=torch.float32, device='cpu')
        angle = torch.outer(steps, rotary_frequencies(dim, scale[axis], bf16_exponents))
        shape = [1, 1, 1, -1]
        shape[axis] = grid[axis]
        axes.append(angle.reshape(shape).expand(*grid, -1))
    return torch.cat(axes, dim=-1).flatten(0, 2)
