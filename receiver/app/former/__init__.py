"""Former import paths that were documented; ``receiver/__init__.py`` adds this folder to its path."""
