"""Draw the pages that describe the code from the code itself: ``python -m docs.generate.NAME``."""
