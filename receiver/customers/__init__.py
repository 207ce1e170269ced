"""Who bought, and what may be kept of them."""
