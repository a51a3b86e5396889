"""One observation as the model sees it."""
from dataclasses import dataclass
from functools import cached_property

import torch


@dataclass(frozen=True)
class Scene:
    """What every question about one observation starts from.

    clean: (1, C, T, h, w) float32 latent sequence on the policy's device: the pictures and the state in their frames,
    zero elsewhere. proprio: (1, P) float32 state scaled to -1..1, as it stands in its frame. pictures:
    (1, F, 3, S, S) uint8, what was encoded, and black frames up to the future state.
    """

    clean: torch.Tensor
    proprio: torch.Tensor
    pictures: torch.Tensor
    codec: object
    black: int

    @cached_property
    def original(self):
        """(1, C, F, h, w) float32 latents of ``pictures`` before anything was written over them.

        Encoded on first use: only decoding the future needs the frames behind the cameras.
        """
        with torch.inference_mode():
            return self.codec.encode(self.pictures, self.black)
