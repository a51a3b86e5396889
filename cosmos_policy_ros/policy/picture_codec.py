"""Pictures to latents and back in the form that suits the device."""
import torch

from .sampling_loop import Execution


class PictureCodec:
    """A tokenizer for pictures of few shapes; a causal tokenizer's encoder is compiled, and its runs are recorded."""

    def __init__(self, tokenizer, execution=Execution.EAGER, graphs=None):
        """graphs: the ``CudaGraphs`` of ``Execution.GRAPH``."""
        self._tokenizer = tokenizer
        self._graphs = graphs if tokenizer.causal else None
        self._encode = tokenizer.encode
        if execution is not Execution.EAGER and tokenizer.causal:
            compiled = torch.compile(tokenizer.vae.encoder, fullgraph=True, dynamic=False)
            self._encode = lambda images, black: tokenizer.encode(images, black, compiled)

    def encode(self, images, black):
        """As ``Tokenizer.encode``."""
        return self._run('encode', lambda images: self._encode(images, black), images, black)

    def decode(self, latent, frames):
        """As ``Tokenizer.decode``."""
        return self._run('decode', lambda latent: self._tokenizer.decode(latent, frames), latent, tuple(frames))

    @torch.inference_mode()
    def _run(self, name, function, given, option):
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            if self._graphs is None:
                return function(given)
            return self._graphs.run((name, id(self), given.shape, option), function, [given])
