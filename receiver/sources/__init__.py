"""How a shop's POSTs are verified, and what they mean."""

from receiver.security.fixed_hosts import AskLater
from receiver.sources.asking import Confirmed, NotConfirmed, Question, Unverified
from receiver.sources.source import Reply, Source, source_kind

__all__ = ["AskLater", "Confirmed", "NotConfirmed", "Question", "Reply", "Source", "Unverified", "source_kind"]
