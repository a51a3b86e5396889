"""Instructions as rows of numbers, for a network that looks at all rows without a mask."""
import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class TextEncoder(Protocol):
    """Turns an instruction into what the network's cross-attention reads."""

    def encode(self, instruction):
        """(tokens, width) float32: one row a token, zero rows after the last."""


def words(instruction):
    """The instruction in lower case, without punctuation, as a list of words."""
    return re.findall(r"[a-z0-9']+", instruction.lower())


@dataclass(frozen=True)
class HashedWords:
    """A text encoder without a model: it needs no download and takes any sentence.

    A word's row is a sum of fixed random directions of unit size: one for the word, one for each run of three letters
    in it (so that 'candy' and 'candies' are neighbours) and a weaker one for the word together with its predecessor (so
    that order counts). Rows are scaled to unit mean square.
    """

    tokens: int = 32
    width: int = 256

    def encode(self, instruction):
        """(tokens, width) float32; ``ValueError`` for an instruction without words or with more than ``tokens``."""
        sentence = words(instruction)
        if not 0 < len(sentence) <= self.tokens:
            raise ValueError(f'instruction {instruction!r}: expected 1 to {self.tokens} words, got {len(sentence)}')
        rows = np.zeros((self.tokens, self.width), dtype=np.float32)
        for i, (previous, word) in enumerate(zip(['', *sentence], sentence)):
            padded = f'<{word}>'
            grams = [padded[j:j + 3] for j in range(len(padded) - 2)]
            row = self._direction('word ' + word) + 0.5 * self._direction(f'pair {previous} {word}')
            row = row + sum(self._direction('part ' + gram) for gram in grams) / np.sqrt(len(grams))
            rows[i] = row * np.sqrt(self.width) / np.linalg.norm(row)
        return rows

    def _direction(self, feature):
        seed = int.from_bytes(hashlib.sha256(feature.encode()).digest()[:4], 'little')
        direction = np.random.RandomState(seed).standard_normal(self.width)
        return direction / np.linalg.norm(direction)
