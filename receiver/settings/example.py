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
# How customers become users of your website, with REGISTRAR = "sql" or "http".
# See “Register customers with your website” in Help.
#
# [registrar]
# url = "mysql+pymysql://receiver:${WEBSITE_PASSWORD}@localhost/website"
# table = "users"
# update = ["first_name"]                           # columns to update in an existing row
# [registrar.columns]
# email = "email"
# first_name = "first_name"
# display_name = "{first_name} {last_name}"
# role = {value = "customer"}                       # a constant
# password = "unusable_password"
"""

_HANDLERS = """
# The handlers' own settings, each in a table of its name; see “Switch on more handlers” in Help.
# In the environment the first is RECEIVER_HANDLERS__APPEND_CSV__FILE.
#
# [handlers.append_csv]
# file = "orders.csv"             # keep a CSV file of all orders, in the instance folder
# rows = "orders"                 # or "items": a row for each item
# bom = true                      # begin the file with the mark by which Excel knows UTF-8
#
# [handlers.notify_chat]
# url = "https://hooks.slack.com/services/…"        # incoming webhook of Slack, Discord or Teams
# kind = "auto"                   # "slack", "discord" or "teams" where the address doesn't tell
# names_customer = false          # name the customer too
#
# [handlers.forward]
# urls = ["https://stock.your-shop.example/orders"] # send every order on, signed with FORWARD_SECRET
"""

_SOURCES = """
# How a service names its parameters, if it doesn't use the published names. See “Map names that differ” in Help.
# `flask orders explain RECEIPT` shows what a parked order has and what's missing.
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
# What belongs to the source itself goes above its fields:
#
# [sources.shopintegrator]
# accept_chunked_forms = true     # take forms that come in chunks as complete, though nothing shows their end
#
# Another place that orders come from, answered on /orders/otherplace, with secrets of its own if given:
#
# [sources.otherplace]
# secrets = ["whsec_…"]
#
# A shop that signs in its own way, such as Shopify, has a kind, and the secret that the shop shows:
#
# [sources.shop]
# kind = "shopify"
# secrets = ["…"]
"""


def example() -> str:
    """Return the text of a new ``config.toml``; the three names that every shop changes aren't commented out."""
    parts = [_HEAD]
    for name, field in SETTINGS.items():
        note = textwrap.fill(field.description or "", 100, initial_indent="# ", subsequent_indent="# ")
        line = f"{name} = {json.dumps(plain(field.default))}"  # a default in TOML, which for these types is JSON
        if name in EXAMPLES:
            parts.append(f"{note}\n{line}  # change this\n")
        elif name != "SECRET_KEY":
            parts.append(f"{note}\n# {line}\n")
    return "\n".join(parts) + _HANDLERS + _REGISTRAR + _SOURCES
