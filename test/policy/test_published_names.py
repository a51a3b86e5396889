"""Released names and diffusers' names belong together as diffusers' own converters say."""
import pytest
import torch
from diffusers import AutoencoderKLWan, CosmosTransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers
from released_files import released_shapes, released_weights
from safetensors.torch import save_file

from cosmos_policy_ros.policy.published_names import network_part, transformer_names, vae_names

SIZES = {'num_attention_heads': 2, 'attention_head_dim': 24, 'num_layers': 2, 'text_embed_dim': 32, 'adaln_lora_dim': 8}


def test_the_published_network_has_567_weights():
    assert len(transformer_names(28)) == 567
    assert {f'net.{name}' for name in transformer_names(28)} == set(released_shapes(layers=28))


def test_transformer_names_agree_with_diffusers_reading_the_same_file(tmp_path):
    stock = CosmosTransformer3DModel(in_channels=18, out_channels=16, concat_padding_mask=False,
                                     extra_pos_embed_type=None, rope_scale=(1.0, 3.0, 3.0), **SIZES)
    stock.save_config(tmp_path)
    weights = {name: value for name, value in released_weights(torch.float32).items() if name in released_shapes()}
    save_file(weights, tmp_path / 'released.safetensors')
    read = CosmosTransformer3DModel.from_single_file(str(tmp_path / 'released.safetensors'), config=str(tmp_path),
                                                     local_files_only=True).state_dict()
    names = transformer_names(2)
    assert len(read) == len(names)
    assert all(torch.equal(read[ours], weights[f'net.{theirs}']) for theirs, ours in names.items())


def test_all_194_autoencoder_names_agree_with_diffusers_and_load_strictly():
    with torch.device('meta'):
        vae = AutoencoderKLWan()
    state = vae.state_dict()
    names = vae_names(state)
    assert len(names) == len(state) == 194
    released = {theirs: state[ours] for theirs, ours in names.items()}
    converted = convert_wan_vae_to_diffusers(dict(released))
    assert converted.keys() == state.keys()
    assert all(converted[ours] is released[theirs] for theirs, ours in names.items())
    vae.load_state_dict(converted, strict=True, assign=True)


@pytest.mark.parametrize('released, ours', [
    ('conv1.bias', 'quant_conv.bias'), ('conv2.weight', 'post_quant_conv.weight'),
    ('encoder.conv1.weight', 'encoder.conv_in.weight'), ('encoder.head.0.gamma', 'encoder.norm_out.gamma'),
    ('encoder.downsamples.3.shortcut.weight', 'encoder.down_blocks.3.conv_shortcut.weight'),
    ('decoder.middle.2.residual.6.bias', 'decoder.mid_block.resnets.1.conv2.bias'),
    ('decoder.middle.1.to_qkv.weight', 'decoder.mid_block.attentions.0.to_qkv.weight'),
    ('decoder.upsamples.7.time_conv.bias', 'decoder.up_blocks.1.upsamplers.0.time_conv.bias'),
    ('decoder.upsamples.12.residual.0.gamma', 'decoder.up_blocks.3.resnets.0.norm1.gamma')])
def test_the_published_table_of_the_autoencoder(released, ours):
    assert vae_names([ours]) == {released: ours}


def test_counters_buffers_and_copies_are_left_out_by_name():
    values = released_weights()
    weights, left_out = network_part(values)
    assert {f'net.{name}' for name in weights} == set(released_shapes())
    assert set(left_out) == set(values) - set(released_shapes())


def test_names_without_prefix_are_taken_as_they_are():
    plain = {name.removeprefix('net.'): value for name, value in released_weights().items()
             if not name.startswith('net_ema')}
    weights, left_out = network_part(plain)
    assert len(weights) == len(released_shapes()) and 'accum_iteration' in left_out
