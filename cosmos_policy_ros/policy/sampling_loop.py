"""A whole sampling run, from noise to a clean latent, in the form that suits the device."""
from enum import Enum

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from .cuda_graph import CudaGraphs
from .denoiser import denoise
from .fp8 import in_fp8
from .network import TextContext
from .sampler import sample
from .transformer_block import transformer_block

ATTENTION = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Attention kernels in order of preference; the first that can do it is taken."""

SHAPES = 64
"""Most shapes (batch, instruction rows) that the blocks are compiled for; more run as they are."""


class Execution(Enum):
    """How a sampling run reaches the device; the value is its name in parameters.

    EAGER: operation by operation. COMPILED: the blocks compiled, seconds at the first call of a batch size. GRAPH:
    that, and the whole run one CUDA graph for every batch size and schedule.
    """

    EAGER = 'eager'
    COMPILED = 'compiled'
    GRAPH = 'graph'


class SamplingLoop:
    """Runs a network through the noise levels of a stage. The network must stay where and as it is from now on."""

    def __init__(self, network, prediction, execution=Execution.EAGER, fp8=False, graphs=None):
        """graphs: a ``CudaGraphs`` to share working memory with; fp8: large products in 8 bits, on a GPU only.

        Raises:
            ValueError: the network's device cannot do this.
        """
        device = network.proj_out.weight.device
        if device.type != 'cuda' and (fp8 or execution is Execution.GRAPH):
            raise ValueError(f'{"8-bit products need" if fp8 else "a CUDA graph needs"} a CUDA device, the network is '
                             f'on {device}; use execution {Execution.EAGER.value!r} or move it')
        self._network = network
        self._prediction = prediction
        self._weights = network.block_weights(network.join_projections())
        if fp8:
            self._weights = [in_fp8(weights) for weights in self._weights]
        compiled = execution is not Execution.EAGER
        self._block = torch.compile(transformer_block, fullgraph=True, dynamic=False) if compiled else transformer_block
        self._graphs = (graphs or CudaGraphs()) if execution is Execution.GRAPH else None
        self._modulations = {}

    @torch.inference_mode()
    def run(self, noise, clean, mask, text, levels):
        """The clean latent (B, C, T, h, w) float32.

        Args:
            noise: (B, C, T, h, w) float32 unit noise on the network's device. clean: (1 or B, C, T, h, w) float32.
            mask: (1, T) bool. text: a ``TextContext`` of batch 1 or B. levels: floats, largest first.
        """
        levels = tuple(levels)
        if levels not in self._modulations:
            sigma = noise.new_tensor(levels)
            self._modulations[levels] = self._network.modulation(sigma / (1 + sigma)).split(1)
        modulations = self._modulations[levels]

        def run(noise, clean, mask, keys, values, bias=None):
            context = TextContext(keys, values, bias)
            calls = iter(modulations)

            def network(latent, time, mask, text):
                return self._network.evaluate(latent, next(calls), mask, text, self._weights, self._block)

            def estimate(x, sigma):
                return denoise(network, x, noise.new_full((1,), sigma), clean, mask, context, self._prediction)

            return sample(estimate, noise, levels)

        inputs = [noise, clean, mask, text.keys, text.values] + ([] if text.bias is None else [text.bias])
        with sdpa_kernel(ATTENTION, set_priority=True), torch._dynamo.config.patch(recompile_limit=SHAPES):
            if self._graphs is None:
                return run(*inputs)
            return self._graphs.run((id(self), levels, *(part.shape for part in inputs)), run, inputs)
