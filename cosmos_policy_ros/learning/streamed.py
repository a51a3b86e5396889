"""Samples whose pictures stay on disk: read for a batch, augmented and encoded on the training device."""
import numpy as np
import torch

from ..policy.tokenizer import to_planes
from .dataset import Batch, EpisodeSamples
from .returns import Reward


class StreamedDataset(EpisodeSamples):
    """Samples of any number of episodes; memory holds their numbers, about 120 bytes a row.

    A causal tokenizer's latent of a future picture depends on the current ones, and the published recipe changes
    pictures anew each time they are seen: so latents are computed for every batch and not kept.

    Args:
        episodes: ``Demonstration``s, with ``StoredPictures`` or arrays. encode: ``Tokenizer.encode`` of one on ``device``.
        augment: None, or a function of pictures (B, F, 3, S, S) uint8 -> uint8.
        The others: see ``EpisodeSamples``.
    """

    def __init__(self, episodes, config, statistics, encode, instructions, discount, device, augment=None,
                 reward=Reward.SCORE):
        super().__init__(episodes, config, statistics, instructions, discount, device, reward)
        self.encode, self.augment = encode, augment
        self._places = [(episode, row) for episode in self.episodes for row in range(len(episode.images))]
        self._rows = torch.stack([self.samples.picture, self.samples.future_picture], dim=1).cpu()

    def read(self, index):
        """Pictures (B, 6, 3, S, S) uint8 of the samples ``index`` (B,), on the host: current ones, then future ones."""
        rows = self._rows[index].flatten().tolist()
        pictures = np.stack([episode.images[row] for episode, row in map(self._places.__getitem__, rows)])
        planes = to_planes(pictures).unflatten(0, (-1, 2)).flatten(1, 2)
        return planes.pin_memory() if self.device.type == 'cuda' else planes

    @torch.no_grad()
    def batch(self, index, pictures):
        """The samples ``index`` (B,) with what :meth:`read` gave for them, as clean latent sequences."""
        layout, taken = self.config.layout, self.samples.take(index.to(self.device))
        pictures = pictures.to(self.device, non_blocking=True)
        if self.augment is not None:
            pictures = self.augment(pictures)
        frames = (*layout.image_frames, *layout.future_image_frames)
        clip = torch.zeros(len(index), max(frames) + 1, *pictures.shape[2:], dtype=torch.uint8, device=self.device)
        clip[:, list(frames)] = pictures
        latent = self.encode(clip, min(frames))
        clean = torch.zeros(len(index), *self.config.latent_shape, device=self.device)
        clean[:, :, :clip.shape[1]] = latent
        self.write_numbers(clean, taken)
        return Batch(clean, taken.instruction)
