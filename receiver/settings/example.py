"""The settings file as `flask init` writes it: every setting with its meaning, drawn from their one definition."""

from __future__ import annotations

import json
import textwrap

from receiver.settings.environment import PREFIX
from receiver.settings.model import EXAMPLES, SETTINGS, plain

_HEAD = f"""\
# The merchant's settings. A setting X is also read from the environment as {PREFIX}X, which wins.
# What is commented out shows its default. Restart after a change; [sources…] tables are read again by themselves.
"""

_REGISTRAR = """
# How customers come into your website, with REGISTRAR = "sql" or "http".
# See “Register customers with your website” in Help.
#
# [registrar]
# url = "mysql+pymysql://receiver:${WEBSITE_PASSWORD}@localhost/website"
# table = "users"
# update = ["first_name"]                           # kept up to date in a row that is there already
# [registrar.columns]
# email = "email"
# first_name = "first_name"
# display_name = "{first_name} {last_name}"
# role = {value = "customer"}                       # a constant
# password = "unusable_password"
"""

_SOURCES = """
# How a service names its parameters, if it doesn't use the published names. See “Map names that differ” in Help.
# `flask orders explain RECEIPT` tells what a parked order has and what is missing.
#
# [sources.shopintegrator.fields]
# order_id = "OrderRef"
# "customer.email" = ["BuyerEmail", "email"]        # the first that is not empty
# "items[].name" = "Product{n}Name"                 # {n} counts from the first number seen
# currency = {value = "GBP"}                        # a constant, for orders that are sent without one
# order_date = {from = "OrderDate", date = "%d/%m/%Y", zone = "Europe/London"}
# total = {from = "Total", decimal = ","}           # £1.234,56
# "billing.country" = {from = "Country", words = {UK = "GB"}}
#
# What belongs to the source itself stands above its fields:
#
# [sources.shopintegrator]
# accept_chunked_forms = true     # take forms for whole that come in chunks, though nothing shows their end
#
# A further place that orders come from, answered on /orders/otherplace, with secrets of its own if given:
#
# [sources.otherplace]
# secrets = ["whsec_…"]
"""


def example() -> str:
    """Return the text of a fresh ``config.toml``; the three names that every shop changes are not commented out."""
    parts = [_HEAD]
    for name, field in SETTINGS.items():
        note = textwrap.fill(field.description or "", 100, initial_indent="# ", subsequent_indent="# ")
        line = f"{name} = {json.dumps(plain(field.default))}"  # a default in TOML, which for these types is JSON
        if name in EXAMPLES:
            parts.append(f"{note}\n{line}  # change this\n")
        elif name != "SECRET_KEY":
            parts.append(f"{note}\n# {line}\n")
    return "\n".join(parts) + _REGISTRAR + _SOURCES
