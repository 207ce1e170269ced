"""Runs all measurements."""

from bench import accepts, limits, locked, pages

accepts.main()
locked.main()
pages.main()
limits.main()
