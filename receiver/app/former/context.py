"""The former home of ``Context``, which is in ``receiver.handlers`` now."""

from receiver.handlers import Context

__all__ = ["Context"]
