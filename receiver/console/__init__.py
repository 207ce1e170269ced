"""The administration console, one file per menu page."""
