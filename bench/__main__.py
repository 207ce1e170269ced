"""Runs all measurements."""

from bench import accepts, pages

accepts.main()
pages.main()
