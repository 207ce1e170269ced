"""What the diagnosis has found of one thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis: ``ok``, ``warning`` or ``wrong``."""

    subject: str
    state: str
    text: str
