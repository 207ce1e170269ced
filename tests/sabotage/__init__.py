"""Deliberate faults: each is put into a copy of the code, where a named test must fail."""
