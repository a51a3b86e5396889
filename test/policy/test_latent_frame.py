"""Vectors survive a latent frame, at the published size and at the small ones."""
import pytest
import torch

from cosmos_policy_ros.policy.latent_frame import read_value, read_vector, write_value, write_vector


def test_writing_touches_its_frame_only():
    latent = torch.zeros(1, 16, 11, 28, 28)
    write_vector(latent, 5, torch.ones(1, 700))
    assert (latent[:, :, 5] == 1).all() and latent.sum() == latent[:, :, 5].sum()


@pytest.mark.parametrize('side, n', [(28, 700), (28, 14), (8, 700), (10, 700), (12, 700), (8, 14)])
def test_what_is_written_is_read(side, n):
    vector = torch.randn(3, n)
    latent = torch.zeros(3, 16, 4, side, side)
    write_vector(latent, 2, vector)
    assert (read_vector(latent, 2, n) - vector).abs().max() < 1e-6


def test_reading_averages_whole_copies_only():
    latent = torch.zeros(1, 16, 1, 8, 8)
    latent[0, :, 0].view(-1)[700:] = 5.0
    assert read_vector(latent, 0, 700).abs().max() == 0


def test_a_vector_larger_than_a_frame_is_refused():
    with pytest.raises(ValueError, match='700 numbers does not fit a latent frame of 576'):
        write_vector(torch.zeros(1, 16, 1, 6, 6), 0, torch.zeros(1, 700))


def test_value_is_the_mean_moved_to_0_1_and_clamped():
    latent = torch.zeros(3, 16, 2, 8, 8)
    write_value(latent, 1, torch.tensor([0.5, 1.4, -1.2]))
    assert read_value(latent, 1).tolist() == pytest.approx([0.75, 1.0, 0.0])
