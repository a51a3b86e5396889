"""What a training step costs by arithmetic alone: 2 operations for every multiply-add, elementwise work left out."""
from dataclasses import dataclass

from ..policy.config import LATENT_CHANNELS, PATCH


@dataclass(frozen=True)
class NetworkWork:
    """Operations of one forward pass of one sample. products: with weights. scores: attention's two products."""

    products: int
    scores: int

    @property
    def forward(self):
        """All of them."""
        return self.products + self.scores

    def step(self, adapters=False):
        """Forward and backward, nothing computed twice. With adapters the frozen weights need no gradients.

        The adapters' own products are left out: under 1 % at rank 16.
        """
        return (2 if adapters else 3) * self.products + 3 * self.scores


def network_work(config, text_rows):
    """``NetworkWork`` of a ``PolicyConfig``'s network.

    Args:
        text_rows: rows that keys and values of an instruction are made of, after folding zeros.
    """
    network = config.network
    width, layers = network.num_attention_heads * network.attention_head_dim, network.num_layers
    _, frames, rows, columns = config.latent_shape
    tokens = frames * rows * columns // PATCH ** 2
    attention = 2 * tokens * width * width * (4 + 2)
    text = 2 * text_rows * network.text_embed_dim * width * 2
    mlp = 2 * tokens * width * int(network.mlp_ratio * width) * 2
    # Two rows a sample: time 0 and the time of the noise.
    modulation = 2 * 2 * width * network.adaln_lora_dim * (1 + 3) * 3
    ends = 2 * tokens * width * PATCH ** 2 * 2 * LATENT_CHANNELS
    times = 2 * 2 * width * (width + 3 * width + network.adaln_lora_dim * (1 + 2))
    scores = 2 * 2 * tokens * width * (tokens + text_rows)
    return NetworkWork(layers * (attention + text + mlp + modulation) + ends + times, layers * scores)
