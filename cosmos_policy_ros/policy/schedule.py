"""Noise levels of a sampling run: Karras et al. (2022) eq. 5 with rho 7, as Cosmos Policy uses it."""
RHO = 7
SIGMA_MAX, SIGMA_MIN = 80.0, 4.0
"""Published serving values; the training configuration's 200 and 0.01 degrade the actions."""


def noise_levels(steps, sigma_max=SIGMA_MAX, sigma_min=SIGMA_MIN, two_steps_make_one=True):
    """The noise level of each network call, largest first.

    ``steps`` calls; but for 2 a single one, at ``sigma_max``, unless ``two_steps_make_one`` (see
    ``compatibility.Quirks``) is off.
    """
    if steps < 1:
        raise ValueError(f'steps: expected 1 or more denoising steps, got {steps}')
    if steps == 1 or steps == 2 and two_steps_make_one:
        return (sigma_max,)
    top, bottom = sigma_max ** (1 / RHO), sigma_min ** (1 / RHO)
    return tuple((top + i / (steps - 1) * (bottom - top)) ** RHO for i in range(steps))
