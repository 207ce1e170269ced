"""How a shop proves its POSTs, and what they mean."""

from receiver.sources.source import Source, source_kind

__all__ = ["Source", "source_kind"]
