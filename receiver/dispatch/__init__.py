"""How handlers are run."""
