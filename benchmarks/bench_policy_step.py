"""One network call of the shipped policy: the own forward against diffusers' class as it is, with the same weights.

    python benchmarks/bench_policy_step.py
"""
import torch
from comparison import line, medians
from diffusers import CosmosTransformer3DModel

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.policy.checkpoint import load_checkpoint
from cosmos_policy_ros.policy.config import LATENT_CHANNELS
from cosmos_policy_ros.policy.layout import Stage

ROUNDS = 12
TOLERANCE = 1e-4
"""Largest relative difference of the two outputs: rounding in another order, and another epsilon of two norms."""


def plain_class(own):
    """diffusers' class with the weights of ``own``, whose position table it does not know."""
    own.position = None
    sizes = ('in_channels', 'out_channels', 'num_attention_heads', 'attention_head_dim', 'num_layers', 'mlp_ratio',
             'text_embed_dim', 'adaln_lora_dim', 'max_size', 'patch_size', 'rope_scale', 'concat_padding_mask',
             'extra_pos_embed_type')
    plain = CosmosTransformer3DModel(**{name: own.config[name] for name in sizes}).eval().requires_grad_(False)
    plain.load_state_dict(own.state_dict())
    return plain


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    checkpoint = load_checkpoint(default_checkpoint())
    config, own = checkpoint.config, checkpoint.network
    plain = plain_class(own)
    text = next(iter(checkpoint.text_embeddings.values()))[None]
    latent, time = torch.randn(1, *config.latent_shape), torch.tensor([0.9])
    mask = torch.from_numpy(config.layout.mask(Stage.POLICY))[None]
    channel = mask[:, None, :, None, None].expand(1, 1, *latent.shape[2:]).float()
    sequence = torch.cat([latent, channel, torch.zeros_like(channel)], 1)
    times = (time[:, None] * ~mask).view(1, 1, -1, 1, 1)
    with torch.inference_mode():
        context = own.encode_text(text)
        calls = {'own': lambda: own(latent, time, mask, context), 'plain': lambda: plain(sequence, times, text).sample}
        result, expected = (call() for call in calls.values())
        assert result.shape[1] == LATENT_CHANNELS and (result - expected).norm() < TOLERANCE * expected.norm()
        seconds = medians(calls, ROUNDS)
    print(line('bench_policy_step', (f'network call of {config.preset}, one thread', seconds['own']),
               [(seconds['own'] / seconds['plain'], 'diffusers CosmosTransformer3DModel.forward', seconds['plain'])]))


if __name__ == '__main__':
    main()
