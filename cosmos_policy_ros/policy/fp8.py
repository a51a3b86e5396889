"""Matrix products in 8-bit floating point (e4m3) for GPUs that have them: faster, and not exact."""
from typing import NamedTuple

import torch
import torch.nn.functional as F

LARGEST = torch.finfo(torch.float8_e4m3fn).max
LARGE_PRODUCTS = ('qkv', 'attention_out', 'text_query', 'up', 'down')


class Fp8Matrix(NamedTuple):
    """values: (in, out) float8_e4m3fn, column-major. scale: (1, out) float32, what each column is multiplied by."""

    values: torch.Tensor
    scale: torch.Tensor

    @classmethod
    def of(cls, matrix):
        """The matrix (out, in), each row scaled to the largest number of the format."""
        values, scale = _scaled_rows(matrix)
        return cls(values.t(), scale.t())

    def product(self, x):
        """x (..., in) @ matrix.T in x's number type; each row of x is scaled by its own largest number."""
        rows, scale = _scaled_rows(x.flatten(0, -2))
        return _scaled_product(rows, self.values, scale, self.scale).to(x.dtype).unflatten(0, x.shape[:-1])


@torch.library.custom_op('cosmos_policy_ros::scaled_product', mutates_args=())
def _scaled_product(rows: torch.Tensor, columns: torch.Tensor, row_scale: torch.Tensor,
                    column_scale: torch.Tensor) -> torch.Tensor:
    """bfloat16 product; an operator of its own because compilers do not look into ``scaled_mm`` everywhere."""
    recipe = F.ScalingType.RowWise
    return F.scaled_mm(rows, columns, row_scale, recipe, column_scale, recipe, output_dtype=torch.bfloat16,
                       use_fast_accum=True)


@_scaled_product.register_fake
def _(rows, columns, row_scale, column_scale):
    return rows.new_empty(rows.shape[0], columns.shape[1], dtype=torch.bfloat16)


def _scaled_rows(x):
    scale = x.abs().amax(-1, keepdim=True).float().clamp_min(1e-12) / LARGEST
    return (x.float() / scale).to(torch.float8_e4m3fn), scale


def in_fp8(weights):
    """``BlockWeights`` whose large products are in 8 bits."""
    return weights._replace(**{name: Fp8Matrix.of(getattr(weights, name)) for name in LARGE_PRODUCTS})
