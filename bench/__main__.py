"""Runs all measurements."""

from bench import accepts, finishes, limits, locked, pages

accepts.main()
finishes.main()
locked.main()
pages.main()
limits.main()
