"""The linear tokenizer: whitened, near lossless on what it was fitted to, blank frames fixed."""
import pytest
import torch

from cosmos_policy_ros.policy.tokenizer import LinearTokenizer, to_planes


@pytest.fixture(scope='module')
def fitted():
    """Pictures whose blocks lie in a 16-dimensional space, and their tokenizer."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(16, 192, generator=generator)
    weights = torch.randn(40 * 64, 16, generator=generator)
    blocks = (127 + 4 * weights @ basis).clamp(0, 255).reshape(40, 8, 8, 3, 8, 8)
    images = blocks.permute(0, 3, 1, 4, 2, 5).reshape(40, 3, 64, 64).to(torch.uint8)
    return images, *LinearTokenizer.fit(images)


def test_latents_are_white_and_keep_nearly_all_variance(fitted):
    images, tokenizer, kept = fitted
    latent = tokenizer.encode(images[:, None])
    assert latent.shape == (40, 16, 1, 8, 8)
    cells = latent.permute(0, 2, 3, 4, 1).reshape(-1, 16).double()
    assert torch.cov(cells.T) == pytest.approx(torch.eye(16, dtype=torch.float64).numpy(), abs=2e-3)
    assert kept > 0.99


def test_pictures_come_back(fitted):
    images, tokenizer, _ = fitted
    sequence = images[:8].unflatten(0, (2, 4))
    back = tokenizer.decode(tokenizer.encode(sequence), (1, 3))
    assert back.shape == (2, 2, 3, 64, 64) and back.dtype == torch.uint8
    assert (back.int() - sequence[:, [1, 3]].int()).abs().float().mean() < 2


def test_a_picture_is_encoded_alike_in_every_frame_and_under_autocast(fitted):
    images, tokenizer, _ = fitted
    black = torch.zeros_like(images[:2])
    latent = tokenizer.encode(torch.stack([black, images[:2], black], dim=1))
    assert torch.equal(latent[:, :, 0], latent[:, :, 2]) and torch.equal(latent[0, :, 0], latent[1, :, 0])
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(tokenizer.encode(images[:2, None])[:, :, 0], latent[:, :, 1])


def test_pixels_that_are_not_bytes_cannot_be_fitted():
    with pytest.raises(ValueError, match='uint8'):
        LinearTokenizer.fit(torch.zeros(2, 3, 16, 16))


def test_tensors_rebuild_it_and_wrong_shapes_do_not(fitted):
    images, tokenizer, _ = fitted
    again = LinearTokenizer(**tokenizer.tensors())
    assert torch.equal(again.encode(images[:1, None]), tokenizer.encode(images[:1, None]))
    with pytest.raises(ValueError, match='expected mean'):
        LinearTokenizer(tokenizer.mean, tokenizer.basis[:100], tokenizer.scale)


def test_planes_keep_the_colour_of_each_pixel():
    images = torch.arange(2 * 4 * 5 * 3, dtype=torch.uint8).reshape(2, 4, 5, 3).numpy()
    assert to_planes(images)[1, 2, 3, 4] == images[1, 3, 4, 2]
