"""One network call turned into an estimate of the clean latent."""
import torch

from .prediction import Prediction


def denoise(network, x, sigma, clean, mask, text, prediction):
    """Rectified-flow preconditioning with conditioning frames replaced.

    With t = sigma/(1+sigma) the network sees (1-t) x, and exactly the clean content at time 0 on conditioning frames.

    Args:
        network: a ``CosmosPolicyTransformer``. x: (B, C, T, h, w) float32, data plus sigma times unit noise.
        sigma: (1,) or (B,) float32. clean: (B, C, T, h, w), read on conditioning frames only.
        mask: (B, T) or (1, T) bool, True on conditioning frames. text: a ``TextContext``.

    Returns:
        (B, C, T, h, w) float32 estimate, equal to ``clean`` on conditioning frames.
    """
    t = (sigma / (1 + sigma)).to(x)
    keep = (1 - t)[:, None, None, None, None]
    frames = mask[:, None, :, None, None]
    scaled = keep * x
    output = network(torch.where(frames, clean, scaled), t, mask, text).float()
    if prediction is Prediction.VELOCITY:
        output = scaled - t[:, None, None, None, None] * output
    return torch.where(frames, clean.float(), output)
