"""What the merchant may set."""
