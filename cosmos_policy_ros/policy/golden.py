"""Whether this machine reproduces the reference: golden vectors, oracles, and recorded answers of a checkpoint."""
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan, CosmosTransformer3DModel
from safetensors import safe_open

from .checkpoint_folder import GOLDEN, checkpoint_digest
from .errors import CheckpointError
from .golden_vectors import GOLDEN_VECTORS, GoldenVector, pattern
from .layout import Stage
from .network import CosmosPolicyTransformer
from .observation import Observation
from .planning.aggregation import Aggregation, aggregate
from .wan_tokenizer import COPIES, WanTokenizer
from .stored_files import existing
from .weight_files import write_tensors

SEED = 195
"""Base seed of the published evaluation."""

GRID = (11, 8, 12)
SIZES = {'num_attention_heads': 3, 'attention_head_dim': 24, 'num_layers': 3, 'text_embed_dim': 40,
         'adaln_lora_dim': 8, 'rope_scale': (1.0, 3.0, 3.0)}

# values -> results of average, lcb, success vote and majority mean, threshold 0.05; the second row is a tie
AGGREGATED = {(.9, .8, .04, .02, .7): (.4920, .0643, .6, .8), (.9, .8, .04, .02): (.44, 0, .5, .85)}

CHUNK_TOLERANCE = VALUE_TOLERANCE = 1e-2
"""Of a joint's range, and of the values' 0..1: proposed for one GPU type against another, not an upstream figure."""


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    name: str
    error: float
    tolerance: float

    @property
    def ok(self):
        """Whether the error is a number within the tolerance."""
        return bool(self.error <= self.tolerance)


def verify_machine(device='cpu'):
    """Yields the ``Result`` of every golden vector and oracle, run on ``device``."""
    for vector in (*GOLDEN_VECTORS, *ORACLES):
        with _full_float32():
            yield Result(vector.name, vector.error(device), vector.tolerance)


def answer(policy):
    """What ``policy`` answers to a made-up observation with ``SEED``: the first stored instruction, default steps.

    Returns:
        name -> float64 tensor: actions (rows, A) in the robot's units, value () of the same sample, and
        world_model_value (), V(s') of the future that the world model makes of those actions.
    """
    cameras, statistics = policy.config.layout.cameras, policy.statistics
    images = {name: np.roll(pattern(), 40 * k, axis=1) for k, name in enumerate(cameras)}
    proprio = statistics.proprio_min + 0.3 * (statistics.proprio_max - statistics.proprio_min)
    scene, instruction = policy.observe(Observation(0.0, images, proprio)), policy.instructions[0]
    latent = policy.sample(Stage.POLICY, scene.clean, instruction, [SEED])
    future = policy.sample(Stage.WORLD_MODEL, latent, instruction, [SEED])
    valued = policy.sample(Stage.FUTURE_VALUE, future, instruction, [SEED])
    values = {'actions': policy.actions(latent)[0], 'value': policy.values(latent)[0],
              'world_model_value': policy.values(valued)[0]}
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def record(policy, folder):
    """Writes ``policy``'s answer into its checkpoint folder, for :func:`compare` elsewhere; returns the path."""
    about = {'checkpoint': checkpoint_digest(folder), 'instruction': policy.instructions[0], 'torch': torch.__version__,
             'device': torch.cuda.get_device_name(policy.device) if policy.device.type == 'cuda' else 'cpu'}
    return write_tensors(Path(folder) / GOLDEN, answer(policy), about)


def compare(policy, folder):
    """(Results, what was recorded about the machine) of ``policy``'s answer against the recorded one.

    Raises:
        CheckpointError: nothing recorded, or recorded for other weights.
    """
    path = existing(Path(folder) / GOLDEN, 'record answers on a machine you trust: checkpoint verify FOLDER --record')
    with safe_open(path, 'pt') as file:
        about, recorded = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    if about.get('checkpoint') != checkpoint_digest(folder):
        raise CheckpointError(f'{path}: recorded for other files than those in the folder now; record again')
    found, statistics = answer(policy), policy.statistics
    span = torch.from_numpy(statistics.actions_max - statistics.actions_min)
    error = (found['actions'] - recorded['actions']).abs() / span.where(span > 0, torch.ones_like(span))
    return [Result('recorded chunk, share of each joint\'s range', error.max().item(), CHUNK_TOLERANCE),
            *(Result(f'recorded {name.replace("_", " ")}', (found[name] - recorded[name]).abs().item(), VALUE_TOLERANCE)
              for name in ('value', 'world_model_value'))], about


@contextmanager
def _full_float32():
    """Float32 products in all their digits; on a GPU the default drops thirteen bits in convolutions."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('highest')
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False), torch.inference_mode():
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _randomised(module, scale):
    """Random values in every parameter: upstream starts some layers at zero, which would hide wrong blocks."""
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.copy_(scale * torch.randn(parameter.shape, generator=generator) + (parameter.ndim == 1))
    return module.eval()


def _inputs(device):
    generator = torch.Generator().manual_seed(1)
    latent, text = torch.randn(2, 16, *GRID, generator=generator), torch.zeros(2, 64, SIZES['text_embed_dim'])
    text[:, :7] = torch.randn(2, 7, text.shape[2], generator=generator)
    mask = torch.zeros(2, GRID[0], dtype=torch.bool)
    mask[0, :5] = mask[1, 0] = mask[1, 6:10] = True
    return [value.to(device) for value in (latent, torch.tensor([0.8, 0.93]), mask, text)]


def _own(device, dtype):
    network = _randomised(CosmosPolicyTransformer(GRID, **SIZES), 0.15)
    network = torch.nn.Module.to(network, device, dtype)
    latent, time, mask, text = _inputs(device)
    return network, network(latent, time, mask, network.encode_text(text.to(dtype))).float()


def _forward(device):
    own, result = _own(device, torch.float32)
    stock = CosmosTransformer3DModel(in_channels=18, out_channels=16, concat_padding_mask=False,
                                     extra_pos_embed_type=None, **SIZES).eval()
    stock.load_state_dict(own.state_dict())
    for block in stock.transformer_blocks:
        for attention in (block.attn1, block.attn2):
            attention.norm_q.eps = attention.norm_k.eps = 1e-6
    stock = torch.nn.Module.to(stock, device)
    latent, time, mask, text = _inputs(device)
    channel = mask[:, None, :, None, None].expand(2, 1, *GRID).float()
    times = (time[:, None] * ~mask).view(2, 1, -1, 1, 1)
    return _relative(result, stock(torch.cat([latent, channel, torch.zeros_like(channel)], 1), times, text).sample)


def _bfloat16(device):
    return _relative(_own(device, torch.bfloat16)[1], _own(device, torch.float32)[1])


def _encode(device):
    """The short encode of a scene against the autoencoder's own encode of the whole clip."""
    vae = _randomised(AutoencoderKLWan(base_dim=8), 0.1)
    tokenizer = WanTokenizer(vae, bf16_pixels=False).to(device, torch.float32)
    pictures = torch.randint(0, 256, (1, 5, 3, 32, 32), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    pictures[:, :2] = 0
    repeats = torch.tensor([1, *[COPIES] * 4])
    clip = pictures.repeat_interleave(repeats, dim=1).transpose(1, 2).to(device).float() / 127.5 - 1
    raw = tokenizer.vae.encode(clip).latent_dist.mode()
    mean, std = (torch.tensor(tokenizer.vae.config[name], device=device)[:, None, None, None]
                 for name in ('latents_mean', 'latents_std'))
    return _relative(tokenizer.encode(pictures.to(device), black=2), (raw - mean) / std)


def _aggregated(_):
    return max(abs(aggregate(values, scheme, 0.05) - expected) for values, row in AGGREGATED.items()
               for scheme, expected in zip(Aggregation, row))


def _relative(a, b):
    return ((a - b).norm() / b.norm()).item()


ORACLES = (
    GoldenVector('own forward against the stock class, float32', 1e-5, _forward),
    GoldenVector('own forward, bfloat16 against float32', 1.5e-2, _bfloat16),
    GoldenVector('short encode against the whole clip, float32', 1e-5, _encode),
    GoldenVector('planning aggregation', 5e-5, _aggregated))
"""Own code against untouched library classes on small random networks, and the planner's arithmetic."""
