"""What the published model does and its definition does not: needed to match it, switchable for everything else."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Quirks:
    """Source of all six: upstream at commit 18a2acc, run on synthetic weights.

    two_steps_make_one: a request for 2 denoising steps makes 1 network call; upstream takes the clean call off first
    and then sees a single step (ensembles of 1..5 steps count on it).
    bf16_pixels: pixels are scaled to -1..1 in bfloat16 arithmetic (largest deviation 0.0039).
    bf16_time: the noise time reaches the network rounded to bfloat16 (steps of 1/256 near 1).
    rope_bf16_exponents: the exponents of the rotary frequencies are rounded to bfloat16 (angles off by up to 0.0093
    rad), because upstream keeps them in a buffer that is cast along with the weights.
    bf16_proprio: the scaled joint state is rounded to bfloat16 before it is written into its frame.
    crop_rounded_down: the centre crop of 90 % of the area has side floor(224*sqrt(0.9)) = 212; training rounded to 213.
    """

    two_steps_make_one: bool = True
    bf16_pixels: bool = False
    bf16_time: bool = False
    rope_bf16_exponents: bool = False
    bf16_proprio: bool = False
    crop_rounded_down: bool = True


PUBLISHED = Quirks(bf16_pixels=True, bf16_time=True, rope_bf16_exponents=True, bf16_proprio=True)
"""The published checkpoints were trained and evaluated with all of them."""
