"""The former home of ``registrations``, which copies of the handler ``register_customer`` import."""

from types import SimpleNamespace

from receiver.customers.registrars.registrations import want

registrations = SimpleNamespace(want=want, WEBSITES=("sql", "http"))
__all__ = ["registrations"]
