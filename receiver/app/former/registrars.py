"""Where a copy of the handler ``register_customer`` used to import ``registrations`` from."""

from receiver.customers.registrars import registrations

__all__ = ["registrations"]
