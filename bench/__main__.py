"""Runs all measurements."""

from bench import accepts, locked, pages

accepts.main()
locked.main()
pages.main()
