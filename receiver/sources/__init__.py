"""How a shop proves its POSTs, and what they mean."""
