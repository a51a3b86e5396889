"""Sentences as the network's cross-attention reads them, computed once each."""
import torch

from .errors import UnknownInstruction
from .text import HashedWords

KEPT_CONTEXTS = 32
"""Sets of instructions whose keys and values are kept; the oldest is dropped."""


class Instructions:
    """The stored embeddings of a checkpoint, its text encoder if it has one, and the contexts made of them."""

    def __init__(self, config, embeddings, network):
        """embeddings: instruction -> (tokens, width). network: encodes them on its device, in its number type."""
        self._embeddings = dict(embeddings)
        self._encoder = (HashedWords(config.text_tokens, config.network.text_embed_dim)
                         if config.text_encoder == 'hashed' else None)
        self._network = network
        self._contexts = {}

    def context(self, names):
        """``TextContext`` of the distinct instructions ``names`` (a tuple), one entry each, in their order.

        Raises:
            UnknownInstruction: no embedding stored and no encoder to make one.
        """
        if names not in self._contexts:
            rows = torch.stack([self._embedding(name) for name in names])
            while len(self._contexts) >= KEPT_CONTEXTS:
                self._contexts.pop(next(iter(self._contexts)))
            weights = self._network.proj_out.weight
            self._contexts[names] = self._network.encode_text(rows.to(weights.device, weights.dtype))
        return self._contexts[names]

    def batch(self, names):
        """``TextContext`` of a batch: an entry for each of ``names``, which may repeat."""
        distinct = tuple(sorted(set(names)))
        context = self.context(distinct)
        if len(distinct) == 1:
            return context
        device = self._network.proj_out.weight.device
        return context.select(torch.tensor([distinct.index(name) for name in names], device=device))

    def _embedding(self, name):
        if name in self._embeddings:
            return self._embeddings[name]
        if self._encoder is None:
            raise UnknownInstruction(f'no embedding of {name!r} in this checkpoint; known: '
                                     f'{", ".join(map(repr, self._embeddings)) or "none"}. Embed it offline first')
        return torch.from_numpy(self._encoder.encode(name))
