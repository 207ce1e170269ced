"""How one POST becomes one row."""
