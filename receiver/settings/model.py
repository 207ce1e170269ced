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
    """Make a check that says what is wrong, or None, into one of pydantic's."""

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


def _setting(default: Any, meaning: str, example: Any = None) -> Any:
    return Field(default, description=meaning, examples=[default if example is None else example])


Texts = Annotated[tuple[str, ...], Strict(False)]
Email = Annotated[str, _checked(checks.email)]


def _number(lowest: int, highest: int) -> AfterValidator:
    return _checked(checks.between(lowest, highest))


class Settings(BaseSettings):
    """What the merchant may set, read once when the app is made."""

    model_config = SettingsConfigDict(
        frozen=True, strict=True, extra="ignore", case_sensitive=True, env_prefix=PREFIX, hide_input_in_errors=True
    )

    SECRET_KEY: Annotated[SecretStr, _checked(checks.secret_key)] = _setting(
        NO_SECRET, "signs links and encrypts stored secrets; `flask init` writes one to `instance/secret_key`"
    )
    SHARED_SECRETS: Annotated[tuple[SecretStr, ...], Strict(False), _checked(checks.shared_secrets)] = _setting(
        (),
        "shared secrets from file or environment, active besides those that `flask secret add` stored",
        ["whsec_…"],
    )
    REQUIRE_SIGNATURE: bool = _setting(
        False, "refuse the secret as a plain field or header: only a signature proves a POST"
    )
    DATABASE_URL: Annotated[str, _checked(checks.database_url)] = _setting(
        "",
        "any `sqlite:///` URL; empty means `receiver.sqlite` in the instance folder",
        "sqlite:////var/lib/receiver/receiver.sqlite",
    )
    EMBEDDED_WORKER: bool = _setting(
        True, "run jobs in threads of the serving processes; `false` leaves them to `flask worker`"
    )
    WORKER_THREADS: Annotated[int, _number(1, 64)] = _setting(
        4, "threads that run jobs in each process; mail takes at most half of them"
    )
    MAIL_SERVER: str = _setting(
        "",
        "host name of the SMTP server; empty writes every mail to `instance/outbox/*.eml` instead",
        "smtp.your-shop.example",
    )
    MAIL_PORT: Annotated[int, _number(1, 65535)] = _setting(25, "its port", 587)
    MAIL_USE_TLS: bool = _setting(False, "STARTTLS, with a verified certificate (port 587)")
    MAIL_USE_SSL: bool = _setting(False, "TLS from the first byte (port 465)")
    MAIL_USERNAME: str = _setting("", "user name at the SMTP server", "shop@your-shop.example")
    MAIL_PASSWORD: SecretStr = _setting(NO_SECRET, "password at the SMTP server")
    SHOP_NAME: Annotated[str, _checked(checks.one_line)] = _setting("Example Shop", "the shop's name in mails")
    MERCHANT_EMAIL: Email = _setting(
        "merchant@example.com", "where the merchant reads mail; customers' replies go there"
    )
    MAIL_DEFAULT_SENDER: Email = _setting(
        "shop@example.com", "the address that mails come from, in the shop's own domain"
    )
    MAIL_COLOUR: Annotated[str, _checked(checks.colour)] = _setting(
        "", "the shop's colour, at the head of its mails, such as `#1f5f8b`; empty means none", "#1f5f8b"
    )
    MAIL_LOGO_URL: Annotated[str, _checked(checks.picture)] = _setting(
        "",
        "https address of a picture that stands at the head of mails instead of the shop's name",
        "https://your-shop.example/logo.png",
    )
    MAIL_FOOTER: Annotated[str, _checked(checks.short_text)] = _setting(
        "",
        "what stands at the foot of mails, such as the shop's address; several lines if you like, and empty "
        "means the shop's name",
        "Your Shop, 1 High Street, Sometown",
    )
    MAIL_LANGUAGE: Annotated[str, _checked(checks.locale_or_none)] = _setting(
        "",
        "language of all mails, such as `de`; empty means the order's for the customer, and DEFAULT_LOCALE for "
        "everybody else",
        "de",
    )
    PUBLIC_URL: Annotated[str, _checked(checks.public_url)] = _setting(
        "http://127.0.0.1:8000",
        "how the outside reaches this server; used in links. https means production",
        "https://orders.your-shop.example",
    )
    DEFAULT_LOCALE: Annotated[str, _checked(checks.locale)] = _setting(
        "en", "language of mails, amounts and dates where an order names none that there are words in"
    )
    TIMEZONE: Annotated[str, _checked(checks.timezone)] = _setting(
        "UTC", "time zone of dates in mails, console and account pages", "Europe/London"
    )
    LOG_LEVEL: Literal["debug", "info", "warning", "error"] = _setting("info", "debug, info, warning or error")
    HANDLERS: Annotated[Texts, _checked(checks.names)] = _setting(
        (),
        "names of the handlers that run, in this order; empty means all that are found: built-ins, then "
        "`instance/handlers/*.py` by name, then entry points `receiver.handlers`; one that needs "
        "settings of its own runs once they are given",
        ["register_customer", "my_handler"],
    )
    REGISTRAR: str = _setting(
        "accounts",
        "where customers become users: `accounts`, the pages here under /account; `sql`, a table of your "
        "website's database; `http`, your website's API; a registrar of your own (each by a table `[registrar]`, "
        "see “Register customers with your website” in Help); `none`",
    )
    ACCOUNT_URL: Annotated[str, _checked(checks.link)] = _setting(
        "",
        "address of your website's page where customers see their account, a link in the order confirmation; "
        "without effect while REGISTRAR is `accounts`, whose own link stands there",
        "https://your-shop.example/account",
    )
    RETRY_SCHEDULE: Annotated[tuple[int, ...], Strict(False), _checked(checks.seconds)] = _setting(
        (60, 300, 1800, 7200, 18000, 36000, 86400, 86400),
        "seconds between the attempts of a handler, a mail or a registration",
        [60, 300],
    )
    RETENTION_DAYS: Annotated[int, _number(0, 36_500)] = _setting(
        365,
        "days after which bodies, mails and outbox files of settled orders are purged; parked and open ones "
        "never; 0 keeps all",
    )
    QUIET_HOURS_ALARM: Annotated[int, _number(0, 8760)] = _setting(
        0, "hours without any order after which you are mailed; 0 never", 48
    )
    ORDER_GAP_ALARM: bool = _setting(
        False, "mail you when order numbers skip, and the missing ones have not come within an hour"
    )
    RELAY_ALLOW_PRIVATE: bool = _setting(
        False,
        "let outgoing requests reach addresses that are not public; for trying out on one machine only, and "
        "without effect in production",
    )
    FORWARD_SECRET: Annotated[SecretStr, _checked(checks.secret_or_none)] = _setting(
        NO_SECRET, "signs what handlers send on by `forward` and `context.forward`; the other server checks it"
    )
    TRUSTED_PROXIES: Annotated[int, _number(0, 9)] = _setting(
        0, "how many proxies stand in front and set X-Forwarded-*", 1
    )
    MAX_BODY_BYTES: Annotated[int, _number(1024, 16_777_216)] = _setting(262_144, "largest body of an order POST")
    MAX_FIELDS: Annotated[int, _number(10, 20_000)] = _setting(2000, "most fields (JSON: leaves) of an order POST")

    #: The tables of the file as they stand there; whoever uses one checks it.
    sources: Any = Field(default={}, repr=False)
    registrar: Any = Field(default={}, repr=False)
    handlers: Any = Field(default={}, repr=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours reads lists with commas
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the caller gives first, then the environment, then the file, which the caller gives as FILE."""
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101 - it is, by pydantic-settings' own reference
        file = init_settings.init_kwargs.pop(FILE, {})
        return init_settings, EnvironmentSource(settings_cls), InitSettingsSource(settings_cls, file)


#: Each setting by its name, as Settings describes it; the tables are none.
SETTINGS: dict[str, FieldInfo] = {name: field for name, field in Settings.model_fields.items() if name.isupper()}
#: Settings that `flask init` writes as examples, and what they must not stay at in production.
EXAMPLES = ("SHOP_NAME", "MERCHANT_EMAIL", "MAIL_DEFAULT_SENDER")


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting's value is never shown."""
    return "SecretStr" in str(field.annotation)
