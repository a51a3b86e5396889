"""From observation to rows in time: pairing, chunks, smoothing, splicing. Imports numpy and the embodiment only."""
