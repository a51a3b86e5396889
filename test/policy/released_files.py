"""A small policy in the form of the released files, under names that are written down here once more."""
import json
import pickle
from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKLWan

from cosmos_policy_ros.policy.config import NetworkConfig
from cosmos_policy_ros.policy.presets import published_presets
from cosmos_policy_ros.policy.published_names import vae_names

ALOHA = 'cosmos-policy-aloha-2b'
SENTENCES = ('fold shirt', 'put candies in bowl')
WIDTH, HEADS, HEAD, LAYERS, TEXT, LORA, TOKENS = 48, 2, 24, 2, 32, 8, 12
SMALL = replace(published_presets()[ALOHA], image_size=64, text_tokens=TOKENS, steps=3,
                network=NetworkConfig(HEADS, HEAD, LAYERS, 4.0, TEXT, LORA, (1.0, 3.0, 3.0), False))


def released_shapes(d=WIDTH, head=HEAD, layers=LAYERS, text=TEXT, lora=LORA):
    """Released name -> shape of every weight, from the table of the published network."""
    shapes = {'x_embedder.proj.1': (d, 72), 't_embedder.1.linear_1': (d, d), 't_embedder.1.linear_2': (3 * d, d),
              't_embedding_norm': (d,), 'final_layer.linear': (64, d), 'final_layer.adaln_modulation.1': (lora, d),
              'final_layer.adaln_modulation.2': (2 * d, lora)}
    for i in range(layers):
        for kind, inner in (('self_attn', d), ('cross_attn', text)):
            shapes |= {f'blocks.{i}.{kind}.{part}': shape for part, shape in (
                ('q_proj', (d, d)), ('k_proj', (d, inner)), ('v_proj', (d, inner)), ('output_proj', (d, d)),
                ('q_norm', (head,)), ('k_norm', (head,)))}
        shapes |= {f'blocks.{i}.mlp.layer1': (4 * d, d), f'blocks.{i}.mlp.layer2': (d, 4 * d)}
        for part in ('self_attn', 'cross_attn', 'mlp'):
            shapes |= {f'blocks.{i}.adaln_modulation_{part}.1': (lora, d),
                       f'blocks.{i}.adaln_modulation_{part}.2': (3 * d, lora)}
    return {f'net.{name}.weight': shape for name, shape in shapes.items()}


def released_weights(dtype=torch.bfloat16):
    """What a released weights file holds: random weights, and everything that is left out on loading."""
    generator = torch.Generator().manual_seed(0)
    weights = {name: (0.15 * torch.randn(shape, generator=generator) + (len(shape) == 1)).to(dtype)
               for name, shape in released_shapes().items()}
    buffers = {'seq': torch.arange(128.0), 'dim_spatial_range': torch.zeros(21), 'dim_temporal_range': torch.zeros(22)}
    return {**weights, **{f'net.pos_embedder.{name}': value for name, value in buffers.items()},
            'net.accum_iteration': torch.tensor(50000), 'net.accum_train_in_hours': torch.tensor(3.5),
            'net.blocks.0.self_attn.q_norm._extra_state': torch.zeros(4, dtype=torch.uint8),
            'net_ema.x_embedder.proj.1.weight': torch.zeros(2)}


def small_vae():
    """A random Wan autoencoder with eight base channels."""
    torch.manual_seed(0)
    return AutoencoderKLWan(base_dim=8).eval().requires_grad_(False)


def write_statistics(path, actions=14, proprio=14, **changes):
    """Statistics as released, over -1..1."""
    values = {f'{kind}_{name}': [level] * size for kind, size in (('actions', actions), ('proprio', proprio))
              for name, level in (('min', -1.0), ('max', 1.0), ('mean', 0.0), ('std', 0.5), ('median', 0.1))}
    path.write_text(json.dumps(values | changes))


def write_released(folder):
    """The released files in ``folder``, and the autoencoder where its own repository has it."""
    folder.mkdir(parents=True)
    torch.save(released_weights(), folder / 'Cosmos-Policy-ALOHA-Predict2-2B.pt')
    write_statistics(folder / 'aloha_dataset_statistics.json')
    generator = torch.Generator().manual_seed(1)
    rows = {name: torch.zeros(1, TOKENS, TEXT, dtype=torch.bfloat16) for name in SENTENCES}
    for value in rows.values():
        value[:, :4] = torch.randn(1, 4, TEXT, generator=generator).bfloat16()
    (folder / 'aloha_t5_embeddings.pkl').write_bytes(pickle.dumps(rows))
    (folder / 'config.json').write_text('{"model": "the repository\'s own description"}')
    vae = small_vae().state_dict()
    (folder / 'tokenizer').mkdir()
    torch.save({theirs: vae[ours] for theirs, ours in vae_names(vae).items()}, folder / 'tokenizer' / 'tokenizer.pth')
    return folder


@pytest.fixture
def small_presets(monkeypatch):
    """The published ALOHA preset with a small network, so that small files are taken for released ones."""
    for module in ('published_checkpoint', 'inspection'):
        monkeypatch.setattr(f'cosmos_policy_ros.policy.{module}.published_presets', lambda: {ALOHA: SMALL})
