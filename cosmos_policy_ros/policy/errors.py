"""What can go wrong in this room, by kind; every message says what, where and what to do next."""


class PolicyError(Exception):
    """Base of every error this room raises on purpose."""


class ObservationError(PolicyError, ValueError):
    """An observation that the policy must not act on: wrong shape, type or a value that is not finite."""


class CheckpointError(PolicyError):
    """A checkpoint folder that is missing, incomplete, damaged or not the one asked for."""


class UnknownInstruction(PolicyError, KeyError):
    """An instruction without a stored embedding, where the checkpoint's text encoder cannot run here."""

    def __str__(self):
        return self.args[0]


class NonFinitePrediction(PolicyError, ArithmeticError):
    """The network answered NaN or infinity: nothing of this prediction may be executed."""
