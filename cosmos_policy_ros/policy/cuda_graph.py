"""Functions of tensors recorded as CUDA graphs: one launch in place of thousands."""
import os
from dataclasses import dataclass

import torch


def expandable_memory():
    """Lets torch's GPU memory grow in place, where nobody chose otherwise: recordings of many sizes then waste little.

    Takes effect in a process that has not used a GPU yet.
    """
    os.environ.setdefault('PYTORCH_CUDA_ALLOC_CONF', 'expandable_segments:True')


@dataclass(frozen=True)
class _Recording:
    graph: torch.cuda.CUDAGraph
    inputs: tuple
    output: torch.Tensor


class CudaGraphs:
    """Recorded functions that share working memory and places for inputs; they never run at the same time."""

    def __init__(self):
        self._recordings = {}
        self._places = {}
        self._pool = None
        # One stream for all: products keep a workspace for every stream that they ever ran on.
        self._stream = torch.cuda.Stream()

    def run(self, key, function, inputs):
        """``function(*inputs)``, recorded at the first call with ``key`` and replayed at every later one.

        Args:
            key: hashable; whatever ``function`` depends on beside its tensors, and must include their shapes.
            function: tensors -> tensor, without synchronisation. inputs: tensors on the GPU; copied.

        Returns:
            The result in memory of its own.
        """
        if key not in self._recordings:
            self._recordings[key] = self._record(function, inputs)
        recording = self._recordings[key]
        for static, given in zip(recording.inputs, inputs):
            static.copy_(given)
        recording.graph.replay()
        return recording.output.clone()

    def _record(self, function, inputs):
        inputs = tuple(self._places.setdefault((i, given.shape, given.dtype), torch.empty_like(given)).copy_(given)
                       for i, given in enumerate(inputs))
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            # A rehearsal: compilers, kernel choices and workspaces must be done with before the recording.
            function(*inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            output = function(*inputs)
        self._pool = graph.pool()
        return _Recording(graph, inputs, output)
