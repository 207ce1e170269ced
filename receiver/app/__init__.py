"""How the kit is built and run: its parts, its commands, its checks."""
