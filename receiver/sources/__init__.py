"""How a shop's POSTs are verified, and what they mean."""

from receiver.sources.source import Reply, Source, source_kind

__all__ = ["Reply", "Source", "source_kind"]
