"""Every setting once: name, default, meaning, check."""

from __future__ import annotations

from typing import Any

from receiver.settings import checks
from receiver.settings.setting import Setting

FILE = "config.toml"

SETTINGS = (
    Setting(
        name="SECRET_KEY",
        default="",
        meaning="signs links and encrypts stored secrets; `flask init` writes one to `instance/secret_key`",
        is_secret=True,
        check=checks.secret_key,
    ),
    Setting(
        name="SHARED_SECRETS",
        default=[],
        meaning="shared secrets from file or environment, active besides those that `flask secret add` stored",
        is_secret=True,
        check=checks.shared_secrets,
    ),
    Setting(
        name="REQUIRE_SIGNATURE",
        default=False,
        meaning="refuse the secret as a plain field or header: only a signature proves a POST",
    ),
    Setting(
        name="DATABASE_URL",
        default="",
        meaning="any `sqlite:///` URL; empty means `receiver.sqlite` in the instance folder",
        check=checks.database_url,
    ),
    Setting(
        name="EMBEDDED_WORKER",
        default=True,
        meaning="run jobs in threads of the serving processes; `false` leaves them to `flask worker`",
    ),
    Setting(
        name="WORKER_THREADS",
        default=4,
        meaning="threads that run jobs in each process; mail takes at most half of them",
        check=checks.between(1, 64),
    ),
    Setting(
        name="MAIL_SERVER",
        default="",
        meaning="host name of the SMTP server; empty writes every mail to `instance/outbox/*.eml` instead",
    ),
    Setting(name="MAIL_PORT", default=25, meaning="its port", check=checks.between(1, 65535)),
    Setting(name="MAIL_USE_TLS", default=False, meaning="STARTTLS, with a verified certificate (port 587)"),
    Setting(name="MAIL_USE_SSL", default=False, meaning="TLS from the first byte (port 465)"),
    Setting(name="MAIL_USERNAME", default="", meaning="user name at the SMTP server"),
    Setting(name="MAIL_PASSWORD", default="", meaning="password at the SMTP server", is_secret=True),
    Setting(name="SHOP_NAME", default="Example Shop", meaning="the shop's name in mails", check=checks.one_line),
    Setting(
        name="MERCHANT_EMAIL",
        default="merchant@example.com",
        meaning="where the merchant reads mail; customers' replies go there",
        check=checks.email,
    ),
    Setting(
        name="MAIL_DEFAULT_SENDER",
        default="shop@example.com",
        meaning="the address that mails come from, in the shop's own domain",
        check=checks.email,
    ),
    Setting(
        name="MAIL_COLOUR",
        default="",
        meaning="the shop's colour, at the head of its mails, such as `#1f5f8b`; empty means none",
        check=checks.colour,
    ),
    Setting(
        name="MAIL_LOGO_URL",
        default="",
        meaning="https address of a picture that stands at the head of mails instead of the shop's name",
        check=checks.picture,
    ),
    Setting(
        name="MAIL_FOOTER",
        default="",
        meaning="what stands at the foot of mails, such as the shop's address; several lines if you like, and empty "
        "means the shop's name",
        check=checks.short_text,
    ),
    Setting(
        name="MAIL_LANGUAGE",
        default="",
        meaning="language of all mails, such as `de`; empty means the order's for the customer, and DEFAULT_LOCALE for "
        "everybody else",
        check=checks.locale_or_none,
    ),
    Setting(
        name="PUBLIC_URL",
        default="http://127.0.0.1:8000",
        meaning="how the outside reaches this server; used in links. https means production",
        check=checks.public_url,
    ),
    Setting(
        name="DEFAULT_LOCALE",
        default="en",
        meaning="language of mails, amounts and dates where an order names none that there are words in",
        check=checks.locale,
    ),
    Setting(
        name="TIMEZONE",
        default="UTC",
        meaning="time zone of dates in mails, console and account pages",
        check=checks.timezone,
    ),
    Setting(name="LOG_LEVEL", default="info", meaning="debug, info, warning or error", check=checks.log_level),
    Setting(
        name="HANDLERS",
        default=[],
        meaning="names of the handlers that run, in this order; empty means all that are found: built-ins, then "
        "`instance/handlers/*.py` by name, then entry points `receiver.handlers`; of the built-ins, those with a "
        "setting of their own run once it is given",
        check=checks.names,
    ),
    Setting(
        name="REGISTRAR",
        default="accounts",
        meaning="where customers become users: `accounts`, the pages here under /account; `sql`, a table of your "
        "website's database; `http`, your website's API (both by a table `[registrar]`, docs/registering.md); `none`",
        check=checks.one_of("accounts", "sql", "http", "none"),
    ),
    Setting(
        name="ACCOUNT_URL",
        default="",
        meaning="address of your website's page where customers see their account, a link in the order confirmation; "
        "without effect while REGISTRAR is `accounts`, whose own link stands there",
        check=checks.link,
    ),
    Setting(
        name="CSV_FILE",
        default="",
        meaning="file that the handler `append_csv` keeps of all orders, such as `orders.csv`, which lies in the "
        "instance folder; empty switches it off",
    ),
    Setting(
        name="CSV_ROWS",
        default="orders",
        meaning="a row of that file for each of the `orders`, or for each of their `items`",
        check=checks.one_of("orders", "items"),
    ),
    Setting(
        name="CSV_BOM",
        default=True,
        meaning="begin that file with the mark by which Excel knows UTF-8; read when the file is begun",
    ),
    Setting(
        name="CHAT_URL",
        default="",
        meaning="incoming webhook of Slack, Discord or Teams that the handler `notify_chat` posts to; empty switches "
        "it off",
        is_secret=True,
        is_for_handlers=True,
        check=checks.call_address,
    ),
    Setting(
        name="CHAT_KIND",
        default="auto",
        meaning="`slack`, `discord` or `teams`; `auto` tells by the address, and takes an unknown one for Slack's like",
        check=checks.one_of("auto", "slack", "discord", "teams"),
    ),
    Setting(
        name="CHAT_NAMES_CUSTOMER",
        default=False,
        meaning="name the customer in the chat too; without it, number, total and items are all it is told",
    ),
    Setting(
        name="RETRY_SCHEDULE",
        default=[60, 300, 1800, 7200, 18000, 36000, 86400, 86400],
        meaning="seconds between the attempts of a handler, a mail or a registration",
        check=checks.seconds,
    ),
    Setting(
        name="RETENTION_DAYS",
        default=365,
        meaning="days after which bodies, mails and outbox files of settled orders are purged; parked and open ones "
        "never; 0 keeps all",
        check=checks.between(0, 36_500),
    ),
    Setting(
        name="QUIET_HOURS_ALARM",
        default=0,
        meaning="hours without any order after which you are mailed; 0 never",
        check=checks.between(0, 8760),
    ),
    Setting(
        name="ORDER_GAP_ALARM",
        default=False,
        meaning="mail you when order numbers skip, and the missing ones have not come within an hour",
    ),
    Setting(
        name="RELAY_ALLOW_PRIVATE",
        default=False,
        meaning="let outgoing requests reach addresses that are not public; for trying out on one machine only, and "
        "without effect in production",
    ),
    Setting(
        name="FORWARD_URLS",
        default=[],
        meaning="servers that the handler `forward` sends every order on to, signed with FORWARD_SECRET, such as "
        '`["https://stock.your-shop.example/orders"]`; empty switches it off',
        check=checks.addresses,
    ),
    Setting(
        name="FORWARD_SECRET",
        default="",
        meaning="signs what handlers send on by `forward` and `context.forward`; the other server checks it",
        is_secret=True,
        check=checks.secret_or_none,
    ),
    Setting(
        name="TRUSTED_PROXIES",
        default=0,
        meaning="how many proxies stand in front and set X-Forwarded-*",
        check=checks.between(0, 9),
    ),
    Setting(
        name="MAX_BODY_BYTES",
        default=262_144,
        meaning="largest body of an order POST",
        check=checks.between(1024, 16_777_216),
    ),
    Setting(
        name="MAX_FIELDS",
        default=2000,
        meaning="most fields (JSON: leaves) of an order POST",
        check=checks.between(10, 20_000),
    ),
)

#: Settings that `flask init` writes as examples, and what they must not stay at in production.
EXAMPLES = ("SHOP_NAME", "MERCHANT_EMAIL", "MAIL_DEFAULT_SENDER")


def default(name: str) -> Any:
    """Give what a setting is while nobody sets it."""
    return next(setting.default for setting in SETTINGS if setting.name == name)
