"""Timings, always as ratios taken in one run."""
