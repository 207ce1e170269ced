"""Which proofs there are, and where the kit may connect to."""
