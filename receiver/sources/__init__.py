"""How a shop's POSTs are verified, and what they mean."""

from receiver.sources.source import Source, source_kind

__all__ = ["Source", "source_kind"]
