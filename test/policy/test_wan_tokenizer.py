"""The Wan tokenizer is diffusers' own encode and decode, in fewer runs and without state that callers could mix up."""
import pytest
import torch
from diffusers import AutoencoderKLWan

from cosmos_policy_ros.policy.errors import CheckpointError
from cosmos_policy_ros.policy.wan_tokenizer import WanTokenizer

SIDE, FRAMES, BLACK, CAMERAS = 32, 11, 2, (2, 3, 4)


def random_vae(**sizes):
    torch.manual_seed(0)
    vae = AutoencoderKLWan(**{'base_dim': 8, 'num_res_blocks': 1} | sizes)
    with torch.no_grad():
        for parameter in vae.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return vae.eval()


@pytest.fixture(scope='module')
def tokenizer():
    return WanTokenizer(random_vae(), bf16_pixels=False)


@pytest.fixture
def pictures():
    """Two sequences of one picture a frame; black but for the cameras, present and future."""
    generator = torch.Generator().manual_seed(1)
    frames = torch.zeros(2, FRAMES, 3, SIDE, SIDE, dtype=torch.uint8)
    seen = torch.randint(0, 256, (2, 3, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)
    frames[:, 2:5] = frames[:, 7:10] = seen
    return frames


@torch.no_grad()
def long_encode(vae, pictures):
    """The published way: the whole video of 4F-3 pictures through the autoencoder's own encode."""
    video = torch.cat([pictures[:, :1], pictures[:, 1:].repeat_interleave(4, dim=1)], dim=1).transpose(1, 2)
    mode = vae.encode(video.float() / 127.5 - 1).latent_dist.mode()
    mean, std = (torch.tensor(v)[:, None, None, None] for v in (vae.config.latents_mean, vae.config.latents_std))
    return (mode - mean) / std


def relative(a, b):
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize('frames', [5, 7, FRAMES])
@pytest.mark.parametrize('black', [0, 1, BLACK])
def test_short_encode_equals_the_whole_video(tokenizer, pictures, frames, black):
    with torch.no_grad():
        short = tokenizer.encode(pictures[:, :frames], black)
    assert short.shape == (2, 16, frames, SIDE // 8, SIDE // 8) and short.dtype == torch.float32
    assert relative(short, long_encode(tokenizer.vae, pictures)[:, :, :frames]) < 1e-5


def test_later_frames_change_nothing_before_them_and_earlier_ones_everything_after(tokenizer, pictures):
    with torch.no_grad():
        base, changed = tokenizer.encode(pictures, BLACK), pictures.clone()
        changed[:, 3] = 255 - changed[:, 3]
        other = tokenizer.encode(changed, BLACK)
    assert relative(other[:, :, :3], base[:, :, :3]) < 1e-6
    assert all(relative(other[:, :, k], base[:, :, k]) > 1e-4 for k in range(3, FRAMES))


def test_each_camera_is_encoded_once_and_nothing_else_once_the_black_prefix_is_known(tokenizer, pictures, monkeypatch):
    with torch.no_grad():
        tokenizer.encode(pictures[:, :5], BLACK)
        runs, encoder = [], tokenizer.vae.encoder
        plain = encoder.forward
        monkeypatch.setattr(encoder, 'forward', lambda x, **more: runs.append(x.shape) or plain(x, **more))
        tokenizer.encode(pictures[:, :5], BLACK)
    assert runs == 3 * [(2, 3, 4, SIDE, SIDE)]


@pytest.mark.parametrize('frames', [(7, 8, 9), (9, 7), (0, 1)])
def test_decode_gives_the_first_picture_of_each_frame_of_the_whole_decoded_video(tokenizer, frames):
    latent = torch.randn(2, 16, FRAMES, 4, 4, generator=torch.Generator().manual_seed(2))
    vae = tokenizer.vae
    mean, std = (torch.tensor(v)[:, None, None, None] for v in (vae.config.latents_mean, vae.config.latents_std))
    with torch.no_grad():
        video = ((vae.decode(latent * std + mean).sample + 1) * 127.5).clamp(0, 255)
        pictures = tokenizer.decode(latent, frames)
    expected = torch.stack([video[:, :, max(4 * (frame - 1) + 1, 0)] for frame in frames], dim=1)
    assert pictures.shape == (2, len(frames), 3, SIDE, SIDE) and pictures.dtype == torch.uint8
    assert expected.std() > 1
    # Truncated, not rounded: a difference of one level only where the whole number is missed by a rounding error.
    assert (expected - pictures.float()).min() > -1e-3 and (expected - pictures.float()).max() < 1 + 1e-3


def test_two_interleaved_users_do_not_disturb_each_other(tokenizer, pictures, monkeypatch):
    latent = torch.randn(1, 16, FRAMES, 4, 4, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        encoded, decoded = tokenizer.encode(pictures[:, :5]), tokenizer.decode(latent, (7, 9))
        plain_encoder, plain_decoder = tokenizer.vae.encoder.forward, tokenizer.vae.decoder.forward
        inside = []

        def interrupted(plain):
            def forward(x, **more):
                if not inside:
                    inside.append(True)
                    tokenizer.encode(255 - pictures, BLACK)
                    tokenizer.decode(-latent, (1,))
                    inside.clear()
                return plain(x, **more)
            return forward

        monkeypatch.setattr(tokenizer.vae.encoder, 'forward', interrupted(plain_encoder))
        monkeypatch.setattr(tokenizer.vae.decoder, 'forward', interrupted(plain_decoder))
        assert torch.equal(tokenizer.encode(pictures[:, :5]), encoded)
        assert torch.equal(tokenizer.decode(latent, (7, 9)), decoded)


def test_pixels_are_scaled_in_bfloat16_on_demand(monkeypatch):
    tokenizer, seen = WanTokenizer(random_vae(), bf16_pixels=True), []
    plain = tokenizer.vae.encoder.forward
    monkeypatch.setattr(tokenizer.vae.encoder, 'forward', lambda x, **more: seen.append(x) or plain(x, **more))
    levels = torch.arange(256, dtype=torch.uint8).repeat(3 * SIDE * SIDE // 256).reshape(1, 1, 3, SIDE, SIDE)
    with torch.no_grad():
        tokenizer.encode(levels)
    pixels = seen[0].reshape(-1)[:256]
    assert pixels[[0, 127, 128, 255]].tolist() == [-1, -0.00390625, 0.0078125, 1]
    assert 0.003 < (pixels - (torch.arange(256) / 127.5 - 1)).abs().max() < 0.004


def test_bfloat16_stays_near_float32(tokenizer, pictures):
    half = WanTokenizer(random_vae()).to('cpu', torch.bfloat16)
    with torch.no_grad():
        assert relative(half.encode(pictures[:, :5], BLACK), tokenizer.encode(pictures[:, :5], BLACK)) < 0.03


def test_another_autoencoder_is_refused():
    with pytest.raises(CheckpointError, match='Wan 2.1 autoencoder'):
        WanTokenizer(random_vae(z_dim=8, latents_mean=[0.0] * 8, latents_std=[1.0] * 8))
