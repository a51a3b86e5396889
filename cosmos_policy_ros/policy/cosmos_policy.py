"""Cosmos Policy: a checkpoint ready to answer, in one go (direct mode) or step by step.

observe -> sample(POLICY) -> actions, values, future_images: one sample of the latent sequence gives all three. Planning
goes on with sample(WORLD_MODEL) and the value stages on the same latents.
"""
import time
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from .checkpoint import load_checkpoint
from .cuda_graph import CudaGraphs, expandable_memory
from .device_images import DevicePictures
from .errors import NonFinitePrediction, ObservationError, UnknownInstruction
from .images import network_images
from .instructions import Instructions
from .latent_frame import read_value, read_vector, write_vector
from .layout import ACTION, BLANK, FUTURE, PROPRIO, VALUE, Stage
from .noise import StartNoise
from .observation import Observation
from .picture_codec import PictureCodec
from .sampling_loop import Execution, SamplingLoop
from .scene import Scene
from .tokenizer import to_planes


@dataclass(frozen=True)
class Prediction:
    """What the policy answers to one observation.

    actions: (rows, A) float64, targets in the robot's units (ALOHA: rad, normalised grippers); row 0 is the command at
    the observation, each later one a control period on. value: 0..1, predicted return of the state after the chunk.
    future_images: camera name -> (S, S, 3) uint8, or None when not asked for. future_proprio: (P,) float64, state after
    the chunk. latent: (16, T, h, w) float32, the whole sampled sequence. latencies: s by stage.
    """

    actions: np.ndarray
    value: float
    future_images: dict
    future_proprio: np.ndarray
    latent: torch.Tensor
    latencies: dict = field(default_factory=dict)


@dataclass(frozen=True)
class PredictionBatch:
    """As ``Prediction``: actions (B, rows, A), values (B,), future_proprio (B, P), latent (B, 16, T, h, w)."""

    actions: np.ndarray
    values: np.ndarray
    future_proprio: np.ndarray
    latent: torch.Tensor


class CosmosPolicy:
    """A loaded checkpoint, ready to predict. One prediction at a time; not thread-safe."""

    def __init__(self, checkpoint, device='cpu', dtype=None, execution=Execution.EAGER, fp8=False, graphs=None,
                 clock=time.perf_counter):
        """Takes over ``checkpoint``'s network and tokenizer.

        Args:
            dtype: of the network; None for how the weights are stored on a GPU and float32 on a CPU.
            execution, fp8, graphs: form of the sampling loop, see ``SamplingLoop``.
        """
        self.config = checkpoint.config
        self.statistics = checkpoint.statistics
        self.instructions = tuple(checkpoint.text_embeddings)
        self.device = torch.device(device)
        if dtype is None:
            dtype = torch.float32 if self.device.type == 'cpu' else getattr(torch, self.config.weights_dtype)
        # Before it moves, so that a GPU never holds the parts and the whole, nor what a recorded run does not read.
        checkpoint.network.join_projections()
        checkpoint.network.modulation_on_host = execution is Execution.GRAPH
        # diffusers' own to() warns about modules that this network does not have.
        self.network = torch.nn.Module.to(checkpoint.network, self.device, dtype).eval()
        if execution is Execution.GRAPH and graphs is None:
            graphs = CudaGraphs()
        self._loaded_tokenizer, self._execution, self._graphs = checkpoint.tokenizer, execution, graphs
        on_device = self.device.type != 'cpu' and DevicePictures.can(self.config)
        self._device_pictures = DevicePictures(self.config, self.device) if on_device else None
        self._noise = StartNoise(self.config.latent_shape, self.device)
        self._loop = SamplingLoop(self.network, self.config.prediction, execution, fp8, graphs)
        self._texts = Instructions(self.config, checkpoint.text_embeddings, self.network)
        self._clock = clock
        self._masks = {stage: torch.from_numpy(self.config.layout.mask(stage))[None].to(self.device) for stage in Stage}

    @cached_property
    def tokenizer(self):
        """On the device from its first use on: a planning model never needs its own."""
        return self._loaded_tokenizer.to(self.device)

    @cached_property
    def _codec(self):
        return PictureCodec(self.tokenizer, self._execution, self._graphs)

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
        if torch.device(device).type == 'cuda':
            expandable_memory()
        return cls(load_checkpoint(folder, preset), device, **options)

    def warm_up(self, steps=None):
        """Predicts on a made-up observation, so that the first real call is as fast as the later ones.

        Once for each shape of the stored instructions, since each may be compiled or recorded. steps: as will be used.
        Raises ``UnknownInstruction`` when the checkpoint stores none: nothing could be asked of it.
        """
        if not self.instructions:
            raise UnknownInstruction(f'this checkpoint of preset {self.config.preset!r} stores no instruction; embed '
                                     f'the ones you need into its folder first')
        size = self.config.image_size
        images = {name: np.zeros((size, size, 3), np.uint8) for name in self.config.layout.cameras}
        proprio = (self.statistics.proprio_min + self.statistics.proprio_max) / 2
        shapes = {self._text((name,)).keys.shape: name for name in self.instructions}
        for instruction in shapes.values():
            self.predict(Observation(0.0, images, proprio), instruction, 0, steps)

    def predict(self, observation, instruction, seed, steps=None, futures=False):
        """Direct mode: actions, value and future for one observation from one sample.

        Args:
            observation: an ``Observation``. seed: of the start noise, 0..2**32-1; the same seed gives the same answer.
            steps: denoising steps, the checkpoint's default if None. futures: decode the imagined pictures, too.

        Raises:
            ObservationError: cameras or state of another robot. UnknownInstruction: no embedding for ``instruction``.
            NonFinitePrediction: the network answered NaN.
        """
        begin = self._clock()
        pictures = self._pictures(observation)
        prepared = self._clock()
        scene = self._scene(pictures[None], observation.proprio[None])
        text = self._text((instruction,))
        encoded = self._clock()
        latent = self._sample(Stage.POLICY, scene.clean, text, [seed], steps)
        actions, value, future_proprio = self.actions(latent)[0], self.values(latent)[0], self.future_proprio(latent)[0]
        sampled = self._clock()
        images = self.future_images(latent, scene)[0] if futures else None
        done = self._clock()
        latencies = {'images': prepared - begin, 'encode': encoded - prepared, 'sample': sampled - encoded,
                     'decode': done - sampled, 'total': done - begin}
        return Prediction(actions, float(value), images, future_proprio, latent[0].cpu(), latencies)

    def predict_batch(self, images, proprio, instructions, seeds, steps=None):
        """Predictions for B independent observations in one pass.

        Args:
            images: (B, cameras, S, S, 3) uint8 at the network's size, in the order of the layout. proprio: (B, P).
            instructions: B strings. seeds: B integers; each entry gets the noise it would get alone.

        Returns:
            PredictionBatch. Raises as :meth:`predict`, and ``ObservationError`` for wrong shapes or types.
        """
        images, proprio = np.asarray(images), np.asarray(proprio, np.float64)
        count, size, cameras = len(seeds), self.config.image_size, len(self.config.layout.cameras)
        if images.shape != (count, cameras, size, size, 3) or images.dtype != np.uint8:
            raise ObservationError(f'images: expected ({count}, {cameras}, {size}, {size}, 3) uint8, got '
                                   f'{images.shape} {images.dtype}')
        if proprio.shape != (count, self.config.proprio_dim) or not np.isfinite(proprio).all() \
                or len(instructions) != count:
            raise ObservationError(f'expected {count} instructions and finite proprio ({count}, '
                                   f'{self.config.proprio_dim}), got {len(instructions)} and {proprio.shape}')
        clean = self._scene(to_planes(images), proprio).clean
        latent = self._sample(Stage.POLICY, clean, self._text(instructions), seeds, steps)
        return PredictionBatch(self.actions(latent), self.values(latent), self.future_proprio(latent), latent)

    def observe(self, observation):
        """The ``Scene`` of an ``Observation``; ``ObservationError`` when it is not of this policy's robot."""
        return self._scene(self._pictures(observation)[None], observation.proprio[None])

    def sample(self, stage, clean, instruction, seeds, steps=None):
        """One question to the model, for every seed at once.

        Args:
            stage: a ``Stage``. clean: (1 or B, C, T, h, w) float32, read on the frames that ``stage`` conditions on.
            seeds: B integers, of each entry's start noise. steps: denoising steps, the checkpoint's default if None;
                ``config.noise_levels(steps)`` has one entry for each network evaluation.

        Returns:
            (B, C, T, h, w) float32 on the device; conditioned frames equal ``clean``.

        Raises:
            UnknownInstruction, NonFinitePrediction: as :meth:`predict`.
        """
        return self._sample(stage, clean, self._text((instruction,)), seeds, steps)

    def actions(self, latent):
        """(B, rows, A) float64 targets in the robot's units."""
        rows, width = self.config.chunk_rows, self.config.action_dim
        scaled = read_vector(latent, self.config.layout.index(ACTION), rows * width).unflatten(1, (rows, width))
        return self.statistics.unscale_actions(scaled.cpu().numpy())

    def values(self, latent):
        """(B,) float64 predicted returns, 0..1."""
        return read_value(latent, self.config.layout.index(VALUE)).double().cpu().numpy()

    def future_proprio(self, latent):
        """(B, P) float64 predicted states after the chunk, in the robot's units."""
        scaled = read_vector(latent, self.config.layout.index(FUTURE + PROPRIO), self.config.proprio_dim)
        return self.statistics.unscale_proprio(scaled.cpu().numpy())

    @torch.inference_mode()
    def future_images(self, latent, scene):
        """B dictionaries, camera -> (S, S, 3) uint8: the imagined pictures.

        A causal tokenizer sees the frames before a picture, so those that carry numbers are exchanged for the latents
        that ``scene`` had there.
        """
        layout = self.config.layout
        if self.tokenizer.causal:
            latent = latent.clone()
            for name in (BLANK, PROPRIO, ACTION, FUTURE + PROPRIO):
                latent[:, :, layout.index(name)] = scene.original[:, :, layout.index(name)]
        pictures = self._codec.decode(latent, layout.future_image_frames).permute(0, 1, 3, 4, 2).cpu().numpy()
        return [dict(zip(layout.cameras, entry)) for entry in pictures]

    @torch.inference_mode()
    def look_ahead(self, latent, scene, stale_proprio=False):
        """(B, C, T, h, w) clean latents in which the imagined future became the current state.

        ``stale_proprio``: pair the imagined pictures with the state of ``scene``, as upstream does by mistake.
        """
        action = self.config.layout.index(ACTION)
        clean = latent.clone()
        clean[:, :, 1:action] = latent[:, :, action + 1:2 * action]
        if stale_proprio:
            write_vector(clean, self.config.layout.index(PROPRIO), scene.proprio)
        return clean

    def _pictures(self, observation):
        observation.require(self.config.layout.cameras, self.config.proprio_dim)
        if self._device_pictures is not None:
            return self._device_pictures.planes(observation.images)
        return to_planes(network_images(observation.images, self.config))

    @torch.inference_mode()
    def _scene(self, planes, proprio):
        """Scene of planes (B, cameras, 3, S, S) uint8 and proprio (B, P); B is 1 but for independent observations."""
        config, layout = self.config, self.config.layout
        action = layout.index(ACTION)
        # Only the frames up to the last camera condition anything; blank and injected ones are encoded as black.
        scaled = torch.from_numpy(self.statistics.scale_proprio(proprio)).to(self.device, torch.float32)
        if config.quirks.bf16_proprio:
            scaled = scaled.bfloat16().float()
        sequence = torch.zeros(len(planes), action + 2, *planes.shape[2:], dtype=torch.uint8, device=self.device)
        for camera, frame in enumerate(layout.image_frames):
            sequence[:, frame] = planes[:, camera]
        black = min(layout.image_frames)
        clean = torch.zeros(len(planes), *config.latent_shape, device=self.device)
        clean[:, :, :action] = self._codec.encode(sequence[:, :action], black)
        write_vector(clean, layout.index(PROPRIO), scaled)
        return Scene(clean, scaled, sequence, self._codec, black)

    @torch.inference_mode()
    def _text(self, instructions):
        return self._texts.batch(instructions)

    @torch.inference_mode()
    def _sample(self, stage, clean, text, seeds, steps):
        levels = self.config.noise_levels(steps)
        latent = self._loop.run(self._noise.batch(seeds), clean, self._masks[stage], text, levels)
        if not torch.isfinite(latent).all():
            raise NonFinitePrediction(f'the network of preset {self.config.preset!r} answered NaN or infinity; '
                                      f'nothing of it was passed on. Check the checkpoint and the number type')
        return latent
