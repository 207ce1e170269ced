"""Every setting once: its name, type, default, meaning, example and check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, Strict
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from receiver.settings import checks
from receiver.settings.environment import PREFIX, EnvironmentSource

#: The file that the settings are read from, in the instance folder.
FILE = "config.toml"
NO_SECRET = SecretStr("")


def _checked(check: Callable[[Any], str | None]) -> AfterValidator:
    """Return pydantic's kind of validator for a check that returns what is wrong, or None."""

    def validate(value: Any) -> Any:
        if wrong := check(plain(value)):
            raise ValueError(wrong)
        return value

    return AfterValidator(validate)


def plain(value: Any) -> Any:
    """Return a setting's value with its secrets in clear; a tuple of secrets becomes a list."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def _default(value: Any, *, example: Any) -> Any:
    return Field(value, examples=[example])


Texts = Annotated[tuple[str, ...], Strict(False)]
Email = Annotated[str, _checked(checks.email)]
Secret = Annotated[SecretStr, _checked(checks.secret)]


def _number(lowest: int, highest: int) -> AfterValidator:
    return _checked(checks.between(lowest, highest))


class Settings(BaseSettings):
    """What the merchant may set, read once when the app is made.

    The text below a setting is its description: in config.toml, on the Settings page and in the docs.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        case_sensitive=True,
        env_prefix=PREFIX,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    SECRET_KEY: Annotated[SecretStr, _checked(checks.secret_key)] = NO_SECRET
    """signs links and encrypts stored secrets; `flask init` writes one to `instance/secret_key`"""
    SHARED_SECRETS: Annotated[tuple[Secret, ...], Strict(False)] = _default((), example=["whsec_…"])
    """shared secrets from the file or the environment, beside those that `flask secret add` stores"""
    REQUIRE_SIGNATURE: bool = False
    """refuse the secret as a plain field or header: only a signature verifies a POST"""
    DATABASE_URL: Annotated[SecretStr, _checked(checks.database_url)] = _default(
        NO_SECRET, example="postgresql://receiver:password@db.lan/receiver"
    )
    """any `sqlite:///` URL, or a `postgresql://` one; empty means `receiver.sqlite` in the instance folder"""
    QUEUE_URL: Annotated[SecretStr, _checked(checks.optional(checks.queue_url))] = _default(
        NO_SECRET, example="redis://:password@127.0.0.1:6379/0"
    )
    """Redis server by which a process wakes the workers of others at once, `redis://` or `rediss://`; without it
    their jobs start up to a second later, unless `DATABASE_URL` is PostgreSQL, which does that too"""
    EMBEDDED_WORKER: bool = True
    """run jobs in threads of the serving processes; `false` leaves them to `flask worker`"""
    WORKER_THREADS: Annotated[int, _number(1, 64)] = 4
    """threads that run jobs in each process; emails take at most half of them"""
    MAIL_SERVER: str = _default("", example="smtp.your-shop.example")
    """host name of the SMTP server; empty writes every email to `instance/outbox/*.eml` instead"""
    MAIL_PORT: Annotated[int, _number(1, 65535)] = _default(25, example=587)
    """its port"""
    MAIL_USE_TLS: bool = False
    """STARTTLS, with a verified certificate (port 587)"""
    MAIL_USE_SSL: bool = False
    """TLS from the first byte (port 465)"""
    MAIL_USERNAME: str = _default("", example="shop@your-shop.example")
    """user name at the SMTP server"""
    MAIL_PASSWORD: SecretStr = NO_SECRET
    """password at the SMTP server"""
    SHOP_NAME: Annotated[str, _checked(checks.one_line)] = "Example Shop"
    """the shop's name in emails"""
    MERCHANT_EMAIL: Email = "merchant@example.com"
    """where the merchant reads email; customers' replies go there"""
    MAIL_DEFAULT_SENDER: Email = "shop@example.com"
    """the address that emails come from, in the shop's own domain"""
    MAIL_COLOUR: Annotated[str, _checked(checks.optional(checks.colour))] = _default("", example="#1f5f8b")
    """the shop's colour at the head of its emails, such as `#1f5f8b`; empty means none"""
    MAIL_LOGO_URL: Annotated[str, _checked(checks.optional(checks.picture))] = _default(
        "", example="https://your-shop.example/logo.png"
    )
    """https address of a picture for the head of emails, instead of the shop's name"""
    MAIL_FOOTER: Annotated[str, _checked(checks.short_text)] = _default(
        "", example="Your Shop, 1 High Street, Sometown"
    )
    """foot of emails, such as the shop's address, of several lines if you like; empty means the shop's name"""
    MAIL_LANGUAGE: Annotated[str, _checked(checks.optional(checks.locale))] = _default("", example="de")
    """language of all emails, such as `de`; empty means the order's for the customer, and DEFAULT_LOCALE for
    everybody else"""
    PUBLIC_URL: Annotated[str, _checked(checks.public_url)] = _default(
        "http://127.0.0.1:8000", example="https://orders.your-shop.example"
    )
    """how the outside reaches this server; used in links. https means production"""
    DEFAULT_LOCALE: Annotated[str, _checked(checks.locale)] = "en"
    """language of emails, amounts and dates where an order names none that the kit speaks"""
    TIMEZONE: Annotated[str, _checked(checks.timezone)] = _default("UTC", example="Europe/London")
    """time zone of dates in emails, the console and the account pages"""
    LOG_LEVEL: Literal["debug", "info", "warning", "error"] = "info"
    """debug, info, warning or error"""
    HANDLERS: Annotated[Texts, _checked(checks.names)] = _default((), example=["register_customer", "my_handler"])
    """names of the handlers that run, in this order; empty means all that are found: built-ins, then
    `instance/handlers/*.py` by name, then entry points `receiver.handlers`; one that needs settings of its own
    runs once it has them"""
    REGISTRAR: str = "accounts"
    """where customers become users: `accounts`, the pages here under /account; `sql`, a table of your website's
    database; `http`, your website's API; a registrar of your own (each by a table `[registrar]`,
    see “Register customers with your website” in Help); `none`"""
    ACCOUNT_URL: Annotated[str, _checked(checks.optional(checks.link))] = _default(
        "", example="https://your-shop.example/account"
    )
    """address of your website's page where customers see their account, a link in the order confirmation;
    without effect while REGISTRAR is `accounts`, which has a link of its own"""
    RETRY_SCHEDULE: Annotated[tuple[int, ...], Strict(False), _checked(checks.seconds)] = _default(
        (60, 300, 1800, 7200, 18000, 36000, 86400, 86400), example=[60, 300]
    )
    """seconds between the attempts of a handler, an email or a registration"""
    RETENTION_DAYS: Annotated[int, _number(0, 36_500)] = 365
    """days after which bodies, emails and outbox files of settled orders are purged, and of parked ones after 30 days
    of warning; open ones never; 0 keeps all"""
    QUIET_HOURS_ALARM: Annotated[int, _number(0, 8760)] = _default(0, example=48)
    """hours without any order after which you're emailed; 0 never"""
    ORDER_GAP_ALARM: bool = False
    """email you when order numbers skip, and the missing ones haven't come within an hour"""
    ALERT_URL: Annotated[SecretStr, _checked(checks.optional(checks.call_address))] = _default(
        NO_SECRET, example="https://hooks.slack.com/services/…"
    )
    """address that alerts are posted to as well as emailed: an incoming webhook of Slack, Discord or Teams, or any
    server, which gets JSON signed with FORWARD_SECRET"""
    METRICS_TOKEN: Annotated[SecretStr, _checked(checks.optional(checks.bearer_token))] = _default(
        NO_SECRET, example="2f1c9b7de05a4c3899a6d8e17f40b562"
    )
    """bearer token by which Prometheus may read `/metrics`, 16 characters or more; empty means that `/metrics` answers
    404"""
    HTTP_ALLOW: Annotated[Texts, _checked(checks.hosts)] = _default((), example=["10.0.0.5", "erp.lan"])
    """hosts, addresses and networks (`10.0.0.0/24`) inside your own network that handlers may call with `context.http`
    and `forward`, by http too; everything else has to be a public address"""
    RELAY_ALLOW_PRIVATE: bool = False
    """let the relay reach addresses that aren't public; for trying out on one machine only, and without effect in
    production and on handlers, which have HTTP_ALLOW"""
    FORWARD_SECRET: Annotated[SecretStr, _checked(checks.optional(checks.secret))] = NO_SECRET
    """signs what handlers send on by `forward` and `context.forward`, and alerts; the other server checks it"""
    TRUSTED_PROXIES: Annotated[int, _number(0, 9)] = _default(0, example=1)
    """how many proxies are in front and set X-Forwarded-*"""
    MAX_BODY_BYTES: Annotated[int, _number(1024, 16_777_216)] = 2_097_152
    """largest body of an order POST, in bytes, also once it's inflated"""
    MAX_FIELDS: Annotated[int, _number(10, 20_000)] = 20_000
    """most fields (JSON: leaves) of an order POST"""

    #: The tables of the file, as they are; the code that uses one checks it.
    sources: Any = Field(default={}, repr=False)
    registrar: Any = Field(default={}, repr=False)
    handlers: Any = Field(default={}, repr=False)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **_others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the caller gives first, then the environment, then the file, which the caller gives as FILE."""
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101 - it is, by pydantic-settings' own reference
        file = init_settings.init_kwargs.pop(FILE, {})
        return init_settings, EnvironmentSource(settings_cls), InitSettingsSource(settings_cls, file)


#: Each setting by its name, as Settings describes it; the tables are none.
SETTINGS: dict[str, FieldInfo] = {name: field for name, field in Settings.model_fields.items() if name.isupper()}
for _field in SETTINGS.values():
    _field.description = " ".join((_field.description or "").split())  # the source breaks a long one into lines
#: Settings that `flask init` writes as examples, and what they must not stay at in production.
EXAMPLES = ("SHOP_NAME", "MERCHANT_EMAIL", "MAIL_DEFAULT_SENDER")


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting's value is never shown."""
    return "SecretStr" in str(field.annotation)
