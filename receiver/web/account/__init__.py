"""The customers' own pages under /account: claim, sign in, orders, details, newsletter, password."""
