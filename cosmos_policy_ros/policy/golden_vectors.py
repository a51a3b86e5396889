"""Golden vectors of the published implementation, and how far this machine's results are from them.

All values were printed by upstream at commit 18a2acc on a CPU, but for the scalar sampler, which is its formula in
float64. The tolerance of a printed value is about half its last digit, of a digest zero.
"""
import hashlib
from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch

from .images import centre_crop
from .latent_frame import read_vector, write_vector
from .layout import ALOHA_LAYOUT, Stage
from .noise import start_noise
from .resizing import published_resize
from .rope import rotary_frequencies
from .sampler import sample
from .schedule import noise_levels

LATENT_SHAPE = (16, 11, 28, 28)
ACTION_FRAME = 5

# seed: the first four numbers and the start of the SHA-256 of all bytes (float32)
NOISE = {195: ((.96968484, -1.8599659, -1.3648067, .60063183), 'f58936d4ead48bb3'),
         196: ((.7187352, 1.7467946, -2.602218, .20603558), 'd2046d45b31322cc'),
         1: ((1.6243454, -.6117564, -.5281718, -1.0729686), 'b5463c5080bf83c1')}

# with crop: pixels [0, 0, :3] and [0, 112, 112] and digest (Pillow 13.0.0, torchvision 0.22.1); without: the same
CROPPED = ([[59, 66, 73], [64, 71, 78], [69, 76, 83]], 'b2afeca54def214f')
CROPPED_MIDDLE = [23, 28, 11]
UNCROPPED = ([[0, 7, 14], [6, 13, 20], [12, 19, 26]], '221de05d1829cf41')

# uint8 -> -1..1 in bfloat16 arithmetic
PIXELS = {0: -1.0, 127: -0.00390625, 128: 0.0078125, 255: 1.0}

# (channel, row, column) of the action frame after a_k = 2k/700 - 1 was tiled into it
TILED_CELLS = {(0, 0, 0): -1, (0, 0, 1): -.9971, (0, 0, 2): -.9943, (1, 0, 0): -.76, (15, 27, 27): .8371}

LEVELS = {
    1: (80,), 2: (80,), 3: (80, 20.972449, 4), 4: (80, 33.734031, 12.594665, 4),
    5: (80, 42.291121, 20.972449, 9.618251, 4),
    10: (80, 60.694661, 45.528566, 33.734031, 24.661777, 17.766673, 12.594665, 8.770853, 5.988652, 4)}
TIMES_BF16 = (.98828125, .984375, .9765625, .97265625, .9609375, .9453125, .92578125, .8984375, .85546875, .80078125)
"""t = sigma/(1+sigma) of ``LEVELS[10]``, rounded to bfloat16 as the network sees it."""

# per schedule, per step: x <- A x + B d_k (+ C d_{k-1})
COEFFICIENTS = {
    3: ((.262156, .737844), (.190726, 1.442401, -.633127)),
    4: ((.421675, .578325), (.373352, 1.041909, -.415261), (.317595, 1.153942, -.471537)),
    5: ((.528639, .471361), (.495907, .813568, -.309474), (.458614, .880953, -.339566), (.415876, .960296, -.376172)),
    10: ((.758683, .241317), (.750125, .386170, -.136294), (.740942, .400876, -.141818), (.731065, .416743, -.147808),
         (.720413, .433914, -.154328), (.708893, .452556, -.161448), (.696394, .472864, -.169258),
         (.682790, .495073, -.177863), (.667930, .519460, -.187390))}

# D(x, sigma) = 0.3 - 0.01 x + 0.002 sigma from x = 80 * .96968484: steps -> result, network evaluations
SCALAR_START = .96968484
SCALAR_RESULTS = {1: -.31574787, 2: -.31574787, 3: .26562540, 5: .26702666, 10: .26725429}
EVALUATIONS = {1: 1, 2: 1, 3: 3, 4: 4, 5: 5, 10: 10}

MASKS = {Stage.POLICY: '11111000000', Stage.WORLD_MODEL: '11111100000', Stage.VALUE: '11111111110',
         Stage.FUTURE_VALUE: '10000011110', Stage.ACTION_VALUE: '11111100000'}

# (dim, extrapolation ratio) of an axis: frequencies 1, 5 and last, exact and with exponents in bfloat16
FREQUENCIES = {(42, 3.0): ((.61047, .084789, 5.1684e-5), (.61055, .084626, 5.1287e-5)),
               (44, 1.0): ((.65793, .12328, 1.5199e-4), (.65820, .12298, 1.5399e-4))}


@dataclass(frozen=True)
class GoldenVector:
    """One comparison; ``deviation``: (device) -> error."""

    name: str
    tolerance: float
    deviation: Callable

    def error(self, device='cpu'):
        """How far off this machine is, run on ``device`` where it has a part there; at most ``tolerance`` if good."""
        return float(self.deviation(device))


def _digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def _noise_bytes(_):
    return sum(_digest(start_noise([seed], LATENT_SHAPE).numpy()) != digest for seed, (_, digest) in NOISE.items())


def _noise_values(_):
    return max(np.abs(start_noise([seed], LATENT_SHAPE).numpy().ravel()[:4] - first).max()
               for seed, (first, _) in NOISE.items())


def pattern():
    """(256, 256, 3) uint8 test picture: (3i + 5j + 7c + floor(i*j/16)) mod 256."""
    i, j, c = np.ogrid[:256, :256, :3]
    return ((3 * i + 5 * j + 7 * c + i * j // 16) % 256).astype(np.uint8)


def _three_pictures():
    picture = pattern()
    return [published_resize(image) for image in (picture, picture[::-1], picture[:, ::-1])]


def _cropped_bytes(_):
    return float(_digest(np.stack([centre_crop(image) for image in _three_pictures()])) != CROPPED[1])


def _cropped_pixels(_):
    out = centre_crop(_three_pictures()[0]).astype(int)
    return max(np.abs(out[0, :3] - CROPPED[0]).max(), np.abs(out[112, 112] - CROPPED_MIDDLE).max())


def _uncropped_bytes(_):
    return float(_digest(_three_pictures()[0]) != UNCROPPED[1])


def _uncropped_pixels(_):
    return np.abs(_three_pictures()[0][0, :3].astype(int) - UNCROPPED[0]).max()


def _pixel_values(device):
    levels = torch.tensor(list(PIXELS), dtype=torch.uint8, device=device)
    scaled = (levels.to(torch.bfloat16) / 127.5 - 1).double().cpu()
    return (scaled - torch.tensor(list(PIXELS.values()), dtype=torch.float64)).abs().max()


def _tiled(device):
    latent = torch.zeros(1, *LATENT_SHAPE, device=device)
    vector = (2 * torch.arange(700, device=device) / 700 - 1)[None]
    write_vector(latent, ACTION_FRAME, vector)
    return latent, vector


def _tiled_cells(device):
    frame = _tiled(device)[0][0, :, ACTION_FRAME]
    return max(abs(frame[cell].item() - value) for cell, value in TILED_CELLS.items())


def _tiled_and_read(device):
    latent, vector = _tiled(device)
    return (read_vector(latent, ACTION_FRAME, vector.shape[1]) - vector).abs().max()


def _levels(_):
    return max(np.abs(np.subtract(noise_levels(steps), levels)).max() for steps, levels in LEVELS.items())


def _times(device):
    sigma = torch.tensor(noise_levels(10), dtype=torch.float32, device=device)
    time = (sigma / (1 + sigma)).bfloat16().double().cpu()
    return (time - torch.tensor(TIMES_BF16, dtype=torch.float64)).abs().max()


def _solver_step(levels, device):
    """Coefficients of the solver's last step over two levels (A, B) or three (A, B, C), by probing ``sample``.

    The state before the step is made (1, 0, 0), the estimate there (0, 1, 0) and the one before it (0, 0, 1).
    """
    state, now, before = torch.eye(3, dtype=torch.float64, device=device)
    estimates = iter([now] if len(levels) == 2 else [before, now])
    seen = []

    def estimate(x, _):
        seen.append(x)
        return next(estimates, x)

    start = state
    if len(levels) == 3:
        decay = levels[1] / levels[0]
        start = (state - (1 - decay) * before) / decay
    sample(estimate, start / levels[0], levels)
    return seen[-1][:len(levels)].cpu().numpy()


def _coefficients(device):
    worst = 0.0
    for steps, expected in COEFFICIENTS.items():
        levels = noise_levels(steps)
        for k, row in enumerate(expected):
            worst = max(worst, np.abs(_solver_step(levels[max(k - 1, 0):k + 2], device) - row).max())
    return worst


def _scalar_sample(steps, device):
    calls = []

    def estimate(x, sigma):
        calls.append(sigma)
        return 0.3 - 0.01 * x.double() + 0.002 * sigma

    start = torch.tensor([SCALAR_START], dtype=torch.float64, device=device)
    return sample(estimate, start, noise_levels(steps)).item(), len(calls)


def _scalar_results(device):
    return max(abs(_scalar_sample(steps, device)[0] - value) for steps, value in SCALAR_RESULTS.items())


def _evaluations(device):
    return sum(_scalar_sample(steps, device)[1] != count for steps, count in EVALUATIONS.items())


def _masks(_):
    return sum(''.join('01'[int(bit)] for bit in ALOHA_LAYOUT.mask(stage)) != row for stage, row in MASKS.items())


def _frequencies(_):
    worst = 0.0
    for (dim, scale), columns in FREQUENCIES.items():
        for bf16_exponents, column in zip((False, True), columns):
            got = rotary_frequencies(dim, scale, bf16_exponents)[[1, 5, -1]].double().numpy()
            worst = max(worst, np.abs(got / column - 1).max())
    return worst


GOLDEN_VECTORS = (
    GoldenVector('start noise, digests', 0, _noise_bytes),
    GoldenVector('start noise, first numbers', 1e-7, _noise_values),
    GoldenVector('pictures with crop, digest', 0, _cropped_bytes),
    GoldenVector('pictures with crop, grey levels', 0, _cropped_pixels),
    GoldenVector('pictures without crop, digest', 0, _uncropped_bytes),
    GoldenVector('pictures without crop, grey levels', 0, _uncropped_pixels),
    GoldenVector('pixel scaling in bfloat16', 0, _pixel_values),
    GoldenVector('tiled vector, cells', 5e-5, _tiled_cells),
    GoldenVector('tiled vector, read back', 5e-7, _tiled_and_read),
    GoldenVector('noise levels', 5e-7, _levels),
    GoldenVector('noise time in bfloat16', 0, _times),
    GoldenVector('solver coefficients', 6e-7, _coefficients),
    GoldenVector('sampler on a scalar', 1e-6, _scalar_results),
    GoldenVector('network evaluations, wrong counts', 0, _evaluations),
    GoldenVector('conditioning masks, wrong rows', 0, _masks),
    GoldenVector('rotary frequencies, relative', 5e-5, _frequencies))
