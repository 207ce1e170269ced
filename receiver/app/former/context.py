"""Where handlers used to import ``Context`` from; ``receiver.handlers`` is the place now."""

from receiver.handlers import Context

__all__ = ["Context"]
