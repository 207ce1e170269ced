"""Where a copy of the handler ``register_customer`` used to import ``registrations`` from."""

from types import SimpleNamespace

from receiver.customers.registrars.registrations import want

registrations = SimpleNamespace(want=want, WEBSITES=("sql", "http"))
__all__ = ["registrations"]
