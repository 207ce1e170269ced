"""Proves by real processes over real sockets that nothing is lost and nothing done twice: ``make torture``."""
