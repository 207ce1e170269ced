"""How senders are verified, and where the kit may connect to."""
