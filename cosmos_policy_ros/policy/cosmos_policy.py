"""Cosmos Policy in direct mode: one sample of the latent sequence gives actions, future and value together."""
import time
from dataclasses import dataclass, field

import numpy as np
import torch

from ..embodiment.cameras import CAMERAS
from ..embodiment.joints import ACTION_DIM
from .checkpoint import load_checkpoint
from .denoiser import denoise
from .errors import NonFinitePrediction, ObservationError, UnknownInstruction
from .images import network_images
from .latent_frame import read_value, read_vector, write_vector
from .layout import ACTION, FUTURE, PROPRIO, VALUE, Stage
from .noise import start_noise
from .observation import Observation
from .sampler import sample
from .schedule import noise_levels
from .text import HashedWords
from .tokenizer import to_planes

KEPT_CONTEXTS = 32
"""Sets of instructions whose keys and values are kept; the oldest is dropped."""


@dataclass(frozen=True)
class Prediction:
    """What the policy answers to one observation.

    actions: (50, 14) float64, joint targets (rad, normalised grippers); row 0 is the command at the observation, each
    later one 40 ms on. value: 0..1, predicted return of the state after the chunk. future_images: camera name ->
    (S, S, 3) uint8, or None when not asked for. future_proprio: (14,) float64, joint state after the chunk.
    latent: (16, T, h, w) float32, the whole sampled sequence. latencies: s by stage.
    """

    actions: np.ndarray
    value: float
    future_images: dict
    future_proprio: np.ndarray
    latent: torch.Tensor
    latencies: dict = field(default_factory=dict)


@dataclass(frozen=True)
class PredictionBatch:
    """As ``Prediction``: actions (B, 50, 14), values (B,), future_proprio (B, 14), latent (B, 16, T, h, w)."""

    actions: np.ndarray
    values: np.ndarray
    future_proprio: np.ndarray
    latent: torch.Tensor


class CosmosPolicy:
    """A loaded checkpoint, ready to predict. One prediction at a time; not thread-safe."""

    def __init__(self, checkpoint, device='cpu', dtype=torch.float32, compiled=False, clock=time.perf_counter):
        """Takes over ``checkpoint``'s network. compiled: trade a slow first call for faster later ones (on a GPU)."""
        self.config = checkpoint.config
        self.statistics = checkpoint.statistics
        self.instructions = tuple(checkpoint.text_embeddings)
        self.device = torch.device(device)
        # diffusers' own to() warns about modules that this network does not have.
        self.network = torch.nn.Module.to(checkpoint.network, self.device, dtype).eval()
        self.tokenizer = checkpoint.tokenizer.to(self.device)
        self._forward = torch.compile(self.network) if compiled else self.network
        self._embeddings = dict(checkpoint.text_embeddings)
        self._encoder = (HashedWords(self.config.text_tokens, self.config.network.text_embed_dim)
                         if self.config.text_encoder == 'hashed' else None)
        self._contexts = {}
        self._clock = clock
        self._mask = torch.from_numpy(self.config.layout.mask(Stage.POLICY))[None].to(self.device)

    @classmethod
    def load(cls, folder, device='cpu', threads=1, preset=None, **options):
        """The policy of a checkpoint folder.

        Args:
            threads: torch threads of this process on a CPU; None leaves them alone. More than one slows down a machine
                that is busy otherwise.
            options: of the constructor.

        Raises:
            CheckpointError: see ``load_checkpoint``.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        return cls(load_checkpoint(folder, preset), device, **options)

    def warm_up(self):
        """Predicts once on a made-up observation, so that the first real call is as fast as the later ones."""
        size = self.config.image_size
        images = {name: np.zeros((size, size, 3), np.uint8) for name in CAMERAS}
        proprio = (self.statistics.proprio_min + self.statistics.proprio_max) / 2
        self.predict(Observation(0.0, images, proprio), self.instructions[0], seed=0)

    def predict(self, observation, instruction, seed, steps=None, futures=False):
        """Actions, value and future for one observation.

        Args:
            observation: an ``Observation``. seed: of the start noise, 0..2**32-1; the same seed gives the same answer.
            steps: denoising steps, the checkpoint's default if None. futures: decode the imagined pictures, too.

        Raises:
            UnknownInstruction: no embedding for ``instruction``. NonFinitePrediction: the network answered NaN.
        """
        begin = self._clock()
        pictures = network_images(observation.images, self.config.image_pipeline, self.config.image_size)
        prepared = self._clock()
        with torch.inference_mode():
            clean = self._condition(pictures[None], observation.proprio[None])
            text = self._context((instruction,))
            encoded = self._clock()
            latent = self._sample(clean, text, [seed], steps)
            actions, values, future_proprio = self._read(latent)
            sampled = self._clock()
            images = self._future_images(latent) if futures else None
        done = self._clock()
        latencies = {'images': prepared - begin, 'encode': encoded - prepared, 'sample': sampled - encoded,
                     'decode': done - sampled, 'total': done - begin}
        return Prediction(actions[0], float(values[0]), images, future_proprio[0], latent[0].cpu(), latencies)

    def predict_batch(self, images, proprio, instructions, seeds, steps=None):
        """Predictions for B independent observations in one pass.

        Args:
            images: (B, 3, S, S, 3) uint8 at the network's size, in the order of ``CAMERAS``. proprio: (B, 14).
            instructions: B strings. seeds: B integers; each entry gets the noise it would get alone.

        Returns:
            PredictionBatch. Raises as :meth:`predict`, and ``ObservationError`` for wrong shapes or types.
        """
        images, proprio = np.asarray(images), np.asarray(proprio, np.float64)
        count, size = len(seeds), self.config.image_size
        if images.shape != (count, len(CAMERAS), size, size, 3) or images.dtype != np.uint8:
            raise ObservationError(f'images: expected ({count}, {len(CAMERAS)}, {size}, {size}, 3) uint8, got '
                                   f'{images.shape} {images.dtype}')
        if proprio.shape != (count, ACTION_DIM) or not np.isfinite(proprio).all() or len(instructions) != count:
            raise ObservationError(f'expected {count} instructions and finite proprio ({count}, {ACTION_DIM}), got '
                                   f'{len(instructions)} and {proprio.shape}')
        distinct = tuple(sorted(set(instructions)))
        with torch.inference_mode():
            text = self._context(distinct)
            if len(distinct) > 1:
                text = text.select(torch.tensor([distinct.index(name) for name in instructions], device=self.device))
            latent = self._sample(self._condition(images, proprio), text, seeds, steps)
            actions, values, future_proprio = self._read(latent)
        return PredictionBatch(actions, values, future_proprio, latent)

    def _condition(self, images, proprio):
        """Latent sequence (B, 16, T, h, w) with the observation in its frames; the others are left zero."""
        layout = self.config.layout
        # Only the frames up to the last camera condition anything; blank and injected ones are encoded as black.
        sequence = torch.zeros(len(images), layout.index(ACTION), 3, *images.shape[2:4], dtype=torch.uint8)
        sequence[:, list(layout.image_frames)] = to_planes(images)
        clean = torch.zeros(len(images), *self.config.latent_shape, device=self.device)
        clean[:, :, :layout.index(ACTION)] = self.tokenizer.encode(sequence.to(self.device))
        scaled = torch.from_numpy(self.statistics.scale_proprio(proprio)).to(self.device, torch.float32)
        write_vector(clean, layout.index(PROPRIO), scaled)
        return clean

    def _sample(self, clean, text, seeds, steps):
        config = self.config
        levels = noise_levels(config.steps if steps is None else steps, config.sigma_max, config.sigma_min)

        def estimate(x, sigma):
            level = torch.full((1,), sigma, device=self.device)
            return denoise(self._forward, x, level, clean, self._mask, text, config.prediction)

        latent = sample(estimate, start_noise(seeds, config.latent_shape).to(self.device), levels)
        if not torch.isfinite(latent).all():
            raise NonFinitePrediction(f'the network of preset {config.preset!r} answered NaN or infinity; '
                                      f'nothing of it was passed on. Check the checkpoint and the number type')
        return latent

    def _read(self, latent):
        layout, rows = self.config.layout, self.config.chunk_rows
        actions = read_vector(latent, layout.index(ACTION), rows * ACTION_DIM).unflatten(1, (rows, ACTION_DIM))
        future_proprio = read_vector(latent, layout.index(FUTURE + PROPRIO), ACTION_DIM)
        return (self.statistics.unscale_actions(actions.cpu().numpy()),
                read_value(latent, layout.index(VALUE)).cpu().numpy(),
                self.statistics.unscale_proprio(future_proprio.cpu().numpy()))

    def _future_images(self, latent):
        layout = self.config.layout
        pictures = self.tokenizer.decode(latent, layout.future_image_frames)[0].permute(0, 2, 3, 1)
        return dict(zip(layout.cameras, pictures.cpu().numpy()))

    def _context(self, instructions):
        if instructions not in self._contexts:
            rows = torch.stack([self._embedding(name) for name in instructions])
            while len(self._contexts) >= KEPT_CONTEXTS:
                self._contexts.pop(next(iter(self._contexts)))
            self._contexts[instructions] = self.network.encode_text(rows.to(self.device, self.network.dtype))
        return self._contexts[instructions]

    def _embedding(self, instruction):
        if instruction in self._embeddings:
            return self._embeddings[instruction]
        if self._encoder is None:
            raise UnknownInstruction(f'no embedding of {instruction!r} in this checkpoint; known: '
                                     f'{", ".join(map(repr, self.instructions)) or "none"}. Embed it offline first')
        return torch.from_numpy(self._encoder.encode(instruction))
