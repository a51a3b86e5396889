"""Pictures to latents at the start of every query, in the form that suits the device."""
import torch

from .sampling_loop import Execution


class PictureEncoder:
    """A tokenizer's ``encode`` with inputs of few shapes; a causal tokenizer's network is compiled or recorded."""

    def __init__(self, tokenizer, execution=Execution.EAGER, graphs=None):
        """graphs: the ``CudaGraphs`` of ``Execution.GRAPH``."""
        self._tokenizer = tokenizer
        self._graphs = graphs
        if execution is not Execution.EAGER and tokenizer.causal:
            compiled = torch.compile(tokenizer.vae.encoder, fullgraph=True, dynamic=False)
            self._encode = lambda images, black: tokenizer.encode(images, black, compiled)
        else:
            self._encode = tokenizer.encode
            self._graphs = None

    @torch.inference_mode()
    def encode(self, images, black):
        """As ``Tokenizer.encode``."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            if self._graphs is None:
                return self._encode(images, black)
            key = id(self), images.shape, black
            return self._graphs.run(key, lambda images: self._encode(images, black), [images])
