"""Backups of the whole instance: one archive each, and what puts it back."""
