"""What the kit writes to people, and how it leaves."""
