"""Proofs on real processes: real servers, real sockets, real SQLite."""
