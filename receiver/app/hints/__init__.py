"""Hints between processes: what one process makes due wakes a worker in another at once, on any machine."""
