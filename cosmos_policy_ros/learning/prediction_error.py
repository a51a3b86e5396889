"""How far predictions are from the data, in the units that matter: radians, latent units, value."""
import numpy as np
import torch

from ..embodiment.joints import ACTION_DIM, ARM_INDICES, JOINT_NAMES
from ..policy.denoiser import denoise
from ..policy.latent_frame import read_value, read_vector
from ..policy.layout import ACTION, FUTURE, PROPRIO, VALUE, Stage
from ..policy.sampler import sample
from ..policy.schedule import noise_levels


@torch.no_grad()
def prediction_errors(network, dataset, statistics, index, text_rows, seed, steps=None):
    """Samples the policy on ``index`` (n,) of ``dataset`` and compares with what was recorded.

    Args:
        text_rows: (M, L, width) text table. seed: of the start noise. steps: denoising steps, the preset's if None.

    Returns:
        dict of floats: 'action_rad' mean absolute error of the twelve arm joints over the chunk, 'first_action_rad' of
        its first row, 'gripper', 'future_proprio_rad', 'image_latent' mean squared error of the future pictures,
        'value' mean absolute error (0..1); and 'joints': name -> mean absolute action error (rad; grippers normalised).
    """
    config, layout, device = dataset.config, dataset.config.layout, dataset.device
    batch = dataset.batch(index)
    mask = torch.from_numpy(layout.mask(Stage.POLICY))[None].to(device)
    text = network.encode_text(text_rows, fold_zeros=False).select(batch.instruction)

    def estimate(x, sigma):
        level = torch.full((1,), sigma, device=device)
        return denoise(network, x, level, batch.clean, mask, text, config.prediction)

    generator = torch.Generator(device).manual_seed(seed)
    noise = torch.randn(batch.clean.shape, generator=generator, device=device)
    levels = noise_levels(config.steps if steps is None else steps, config.sigma_max, config.sigma_min)
    found = sample(estimate, noise, levels)

    def vector(latent, name, n):
        return read_vector(latent, layout.index(name), n).cpu().numpy()

    def actions(latent):
        scaled = vector(latent, ACTION, config.chunk_rows * ACTION_DIM)
        return statistics.unscale_actions(scaled.reshape(-1, config.chunk_rows, ACTION_DIM))

    arms = list(ARM_INDICES)
    grippers = [i for i in range(ACTION_DIM) if i not in ARM_INDICES]
    action = np.abs(actions(found) - actions(batch.clean))
    proprio = np.abs(statistics.unscale_proprio(vector(found, FUTURE + PROPRIO, ACTION_DIM))
                     - statistics.unscale_proprio(vector(batch.clean, FUTURE + PROPRIO, ACTION_DIM)))
    pictures = list(layout.future_image_frames)
    image = (found[:, :, pictures] - batch.clean[:, :, pictures]).square().mean().item()
    value = (read_value(found, layout.index(VALUE)) - read_value(batch.clean, layout.index(VALUE))).abs().mean().item()
    return {'action_rad': float(action[..., arms].mean()), 'first_action_rad': float(action[:, 0][:, arms].mean()),
            'gripper': float(action[..., grippers].mean()), 'future_proprio_rad': float(proprio[:, arms].mean()),
            'image_latent': image, 'value': value,
            'joints': dict(zip(JOINT_NAMES, action.mean((0, 1)).round(6).tolist()))}
