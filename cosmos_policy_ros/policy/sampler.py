"""Second-order exponential Adams-Bashforth sampling ("2ab"), the solver of the published checkpoints."""
import math


def sample(denoise, start, levels):
    """Integrates from pure noise to a clean latent.

    Args:
        denoise: (x float32, sigma float) -> clean estimate of x's shape.
        start: unit noise. levels: noise levels, largest first, from ``noise_levels``.

    Returns:
        The clean estimate at the last level, float32. State and steps are float64 in between.
    """
    x = start.double() * levels[0]
    previous = None
    for k, (s, u) in enumerate(zip(levels, levels[1:])):
        clean = denoise(x.float(), s).double()
        decay = u / s
        h = -math.log(decay)
        if previous is None:
            x = decay * x + (1 - decay) * clean
        else:
            c2 = -math.log(levels[k - 1] / s) / h
            phi1 = (1 - decay) / h
            phi2 = (1 - phi1) / h
            x = decay * x + h * ((phi1 - phi2 / c2) * clean + (phi2 / c2) * previous)
        previous = clean
    return denoise(x.float(), levels[-1]).float()
