"""The Wan 2.1 video autoencoder as a tokenizer: one picture a latent frame, shown four times (the first one once)."""
import torch

from .errors import CheckpointError
from .config import FACTOR

COPIES = 4
"""Pictures in one latent frame, all but the first: the autoencoder's temporal compression."""


class WanTokenizer:
    """Encodes and decodes with ``diffusers.AutoencoderKLWan``, equal to its own encode and decode.

    Latents are (posterior mean - mean) * (1/std) with the sixteen constants of the autoencoder's configuration, in its
    number type. The autoencoder keeps feature caches on itself while it runs; here each call has its own, so
    that calls may overlap.

    ``bf16_pixels``: see ``compatibility.Quirks``.
    """

    causal = True

    def __init__(self, vae, bf16_pixels=True):
        """Takes over ``vae``. ``CheckpointError`` when it is not of the kind the published policies use."""
        config = vae.config
        if (config.z_dim, config.scale_factor_spatial, config.scale_factor_temporal, config.patch_size) != \
                (16, FACTOR, COPIES, None):
            raise CheckpointError('vae: expected a Wan 2.1 autoencoder with 16 channels, 8x8 pixels and 4 pictures a '
                                  'latent cell; Wan 2.2 and other autoencoders do not fit these policies')
        self.vae = vae.eval().requires_grad_(False)
        self.bf16_pixels = bf16_pixels
        self._mean, std = (torch.tensor(values, dtype=vae.dtype, device=vae.device)[:, None, None, None]
                           for values in (config.latents_mean, config.latents_std))
        self._scale = 1 / std
        self._prefixes = {}

    def to(self, device, dtype=None):
        """A tokenizer that takes the autoencoder along to another device; do not use this one afterwards.

        ``dtype`` None is bfloat16 on a GPU, as published, and float32 on a CPU.
        """
        device = torch.device(device)
        if dtype is None:
            dtype = torch.float32 if device.type == 'cpu' else torch.bfloat16
        # diffusers' own to() warns about modules that this autoencoder does not have.
        vae = torch.nn.Module.to(self.vae, device, dtype)
        if device.type == 'cuda':
            _channels_last(vae)
        return WanTokenizer(vae, self.bf16_pixels)

    def encode(self, images, black=0, encoder=None):
        """(B, F, 3, S, S) uint8 pictures -> (B, 16, F, S/8, S/8) float32.

        What the first ``black`` frames leave behind in the encoder is computed once and kept; the later frames go
        through it one by one: all three cameras at once are a sixth faster and take twice the memory. encoder: stands
        in for the autoencoder's own in those runs, for instance compiled.
        """
        batch = len(images)
        if black:
            prefix, features = self._black_prefix(black, images)
            latents = [prefix.expand(batch, -1, -1, -1, -1)]
            features = [None if part is None else part.expand(batch, -1, -1, -1, -1) for part in features]
        else:
            features = _no_features(self.vae.encoder)
            latents = [self._encode_run(images[:, :1], 1, features)]
        for frame in range(max(black, 1), images.shape[1]):
            latents.append(self._encode_run(images[:, frame:frame + 1], COPIES, features, encoder))
        return torch.cat(latents, dim=2).float()

    def decode(self, latent, frames):
        """(B, len(frames), 3, S, S) uint8: each frame's first picture, cut to 0..255 and truncated as published."""
        scaled = latent[:, :, :max(frames) + 1].to(self._mean.dtype)
        hidden = self.vae.post_quant_conv(scaled / self._scale + self._mean)
        features = _no_features(self.vae.decoder)
        pictures = {}
        for frame in range(hidden.shape[2]):
            part = self.vae.decoder(hidden[:, :, frame:frame + 1], feat_cache=features, feat_idx=[0],
                                    first_chunk=frame == 0)
            if frame in frames:
                pictures[frame] = part[:, :, 0]
        pixels = torch.stack([pictures[frame] for frame in frames], dim=1).float()
        return ((pixels + 1) * 127.5).clamp(0, 255).to(torch.uint8)

    def _black_prefix(self, count, images):
        """Latent (1, 16, count, h, w) and encoder features of ``count`` black frames of the size of ``images``."""
        key = count, images.shape[3:]
        if key not in self._prefixes:
            black, features = torch.zeros_like(images[:1, :1]), _no_features(self.vae.encoder)
            latents = [self._encode_run(black, 1 if frame == 0 else COPIES, features) for frame in range(count)]
            self._prefixes[key] = torch.cat(latents, dim=2), features
        return self._prefixes[key]

    def _encode_run(self, images, copies, features, encoder=None):
        """One encoder call over (B, 1, 3, S, S) pictures; ``features`` is brought up to date in place."""
        # Bytes are exact in bfloat16; the quotient and the difference are not.
        pixels = images.to(torch.bfloat16 if self.bf16_pixels else torch.float32) / 127.5 - 1
        video = pixels.to(self._mean.dtype).repeat_interleave(copies, dim=1).transpose(1, 2)
        encoder = self.vae.encoder if encoder is None else encoder
        moments = self.vae.quant_conv(encoder(video, feat_cache=features, feat_idx=[0]))
        return (moments[:, :len(self._mean)] - self._mean) * self._scale


def _channels_last(vae):
    """The memory order that a GPU's convolutions work in; in the other one they copy their inputs and outputs."""
    for module in vae.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Conv3d)):
            order = torch.channels_last if module.weight.ndim == 4 else torch.channels_last_3d
            module.weight.data = module.weight.data.contiguous(memory_format=order)


def _no_features(module):
    """An empty feature cache: at most one entry a layer."""
    return [None] * sum(1 for _ in module.modules())
