"""Thousands of mad requests: how they are made, sent and judged."""
