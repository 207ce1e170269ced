"""Texts with placeholders: filled for each customer, checked once."""

from __future__ import annotations

import pytest

from receiver.customers.registrars import customer_fields, placeholders
from receiver.errors import ConfigurationError
from tests.customers.registrars.people import REGISTERED, customer


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{first_name} {last_name}", "Zoë Müller"),
        ("{company} {last_name}", "Müller"),
        ("{company} {phone}!", "+49 30 5550142!".rjust(0)),
        ("{{{first_name}}}", "{Zoë}"),
        ("as it is", "as it is"),
        ("in {billing.city}", "in Berlin"),
        ("{company}", None),
        ("of {company} in {shipping.city}", None),
        ("{accepts_marketing}", True),
        ("{registered_at}", REGISTERED),
        ("{accepts_marketing} since {registered_at}", "true since 2026-11-23T14:05:00+00:00"),
        ("", ""),
    ],
)
def test_a_text_is_filled_for_a_customer(text: str, filled: object) -> None:
    assert placeholders.parsed(text, "body").fill(customer()) == filled


def test_no_consent_reads_false() -> None:
    assert placeholders.parsed("consent: {accepts_marketing}", "body").fill(customer(accepts_marketing=False)) == (
        "consent: false"
    )


def test_braces_in_what_a_customer_typed_are_no_placeholders() -> None:
    assert placeholders.parsed("{first_name} {last_name}", "body").fill(
        customer(first_name="{phone}", last_name="{")
    ) == ("{phone} {")


def test_an_unusable_password_is_a_new_one_each_time() -> None:
    template = placeholders.parsed("{unusable_password}", "body")
    assert template.fill(customer()) != template.fill(customer())


@pytest.mark.parametrize("name", list(customer_fields.NAMES))
def test_every_field_can_stand_in_a_text(name: str) -> None:
    assert placeholders.parsed(f"{{{name}}}", "body").fields == [name]


@pytest.mark.parametrize("text", ["{}", "{0}", "{e_mail}", "{email.x}", "{email[0]}", "{email:>9}", "{email!r}"])
def test_what_is_no_field_is_named_with_the_fields_there_are(text: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^body has .* is no field of a customer; the fields are email, first_name"
    ):
        placeholders.parsed(text, "body")


@pytest.mark.parametrize("text", ["{email", "email}", "{"])
def test_braces_must_pair(text: str) -> None:
    with pytest.raises(ConfigurationError, match="body has braces that don't pair"):
        placeholders.parsed(text, "body")


def test_the_environment_is_put_in_once() -> None:
    environment = {"A": "one ${B}", "B": "two"}
    assert placeholders.from_environment("Bearer ${A} ${B}$", "url", environment) == "Bearer one ${B} two$"


@pytest.mark.parametrize("text", ["${NOT_THERE}", "a ${} b"])
def test_a_variable_that_is_not_there_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"url has .*, but the environment has no"):
        placeholders.from_environment(text, "url", {"A": ""})
