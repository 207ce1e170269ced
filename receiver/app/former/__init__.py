"""The places where documented names used to be; ``receiver/__init__.py`` lets Python look here for them."""
