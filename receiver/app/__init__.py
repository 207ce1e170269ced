"""How the kit is put together and operated."""
