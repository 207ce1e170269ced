"""What a mad sender puts into a request: values, names, pieces of JSON, Content-Types, paths."""

from __future__ import annotations

from receiver.orders.names import KINDS, Place, form_name, json_path
from tests.served import FORM, SECRET

JSON = "application/json"
BOUNDARY = "b0undary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"

TEXTS = (
    *("", " ", "0", "-0", "1", "1.5", "NaN", "-Infinity", "1E+999999", "1e-5", "1_000", "0x10", "１２", "٣", "²", "½"),
    *(
        "9" * 16,
        "9" * 400,
        "0." + "9" * 400,
        " 19.99 ",
        "19,99",
        "+5",
        "1.",
        ".5",
        "--1",
        "true",
        "TRUE",
        "yes",
        "null",
    ),
    *(
        "a@b@c",
        "a@b",
        "@",
        "a@b.c",
        "ada@shop.example\r\nBcc: x@y.z",
        "ü@ü.de",
        "a@" + "x." * 200 + "de",
        "\u202ea@b.co",
    ),
    *("2026-11-23T00:00:00Z", "2026-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "yesterday"),
    *("GB", "UK", "XX", "ß", "GBP", "gbp", "XXX", "en-GB", "en_GB_x_y_z", "x" * 101, "de-DE-u-co-phonebk", "cancelled"),
    *("4111 1111 1111 1111", "my card 4111-1111-1111-1111!", "123", "Colour: red, Size", ":,:,:", "{{7*7}}", "%s%n"),
    *(
        "\x00",
        "a\x00b",
        "\x1b[2J",
        "\u0301" * 30,
        "\U0010ffff\ufeff\ufffe",
        "x" * 9000,
        "order.refunded",
        SECRET,
        SECRET[6:],
    ),
)
#: Already percent-encoded bytes of a form: broken escapes, no UTF-8, halves of surrogate pairs.
RAW_FORM = (
    b"%",
    b"%z",
    b"%FF",
    b"\xff\xfe",
    b"%ED%A0%80",
    b"%C0%AF",
    b"+%2B",
    b"%00",
    b";",
    b"=",
    b"&&&",
    b"%u00e9",
    b"\r\n",
)
#: Pieces of JSON, and of what is none.
LITERALS = (
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1E+999999",
        "-1e-999999",
        "9" * 5000,
        "0." + "1" * 5000,
        "01",
        "+1",
        ".5",
        "1.",
        "-",
    ),
    *(
        "null",
        "true",
        "[]",
        "{}",
        '""',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        '"\n"',
        "'x'",
    ),
    *(
        '"１２"',
        "１２",
        '{"name": 1, "name": 2}',
        '{"a": {"a": {"a": 1}}}',
        "[1, [2, [3]]]",
        '[{"name": "x"}, null]',
        "tru",
        "",
    ),
    *("[" * depth + "]" * depth for depth in (60, 64, 65, 500, 50_000)),
    *('{"a":' * depth + "1" + "}" * depth for depth in (62, 64, 2_000)),
    *(
        "[" * 3_000,
        '{"' + "k" * 2_000 + '": 1}',
        "[" + "1," * 2_500 + "1]",
        '{"email": {"x": 1}}',
        '{"": ""}',
        '"' + "x" * 9_000 + '"',
    ),
)
TYPES = (
    *(
        "",
        "text/plain",
        "application/x-www-form-urlencoded; charset=latin-1",
        "application/x-www-form-urlencoded;charset=utf-7",
    ),
    *(
        f"{FORM}; charset={name}"
        for name in ("utf-16", "klingon", "shift_jis", "idna", "cp037", "\xff", "utf-8; charset=x", '"')
    ),
    *(
        "APPLICATION/JSON",
        "application/json; charset=utf-16",
        "application/json;;;=",
        "application/ld+json",
        JSON,
        FORM,
        MULTIPART,
    ),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="a b"',
        "multipart/mixed; boundary=b",
    ),
    *(
        f"multipart/form-data; boundary={'b' * 80}",
        "multipart/form-data; boundary*=utf-8''%FF",
        "\xff/\xfe",
        ",",
        "a" * 5000,
    ),
)
PATHS = (
    "/orders",
    "/orders/",
    "/orders/shopintegrator",
    "/orders/nowhere",
    "/orders/\xff",
    "/orders/a/b",
    "/orders/" + "x" * 900,
)
NAMES = tuple(form_name(Place(part, 0, field)) for part, field in KINDS) + tuple(
    json_path(Place(part, 1, field)) for part, field in KINDS
)
OTHER_NAMES = (
    *(
        "OrderRef",
        "custom_",
        "custom_x",
        "custom.y",
        "item_0_name",
        "item_3_name",
        "item_999999999999999999_name",
        "item_１_name",
    ),
    *(
        "item_1_options",
        "items[2].name",
        "items[-1].name",
        "card_number",
        "cvv",
        "card_expiry",
        "password",
        "shared_secret",
        "",
    ),
    *("x" * 3000, "\x00", "ключ", "order_id ", "ORDER_ID", "[0]", "a[b][c]", "__proto__", "gift_card_number", SECRET),
)
#: A full card number together with its code, the one thing that is refused for what it holds.
CARD_WITH_CODE = (("card_number", "4111111111111111"), ("cvv", "123"))
#: Values of the three signature headers, as Latin-1.
PROOFS: tuple[str, ...] = (
    "",
    " ",
    ",",
    "v1",
    "v1,",
    "v1,,",
    "v1,\xff",
    "v1,====",
    "v1," + "A" * 44,
    "v2,x v1,y",
    "v1 " * 3000,
)
PROOFS += ("a.b", "\x00", "\xef\xbc\x91", "NaN", "1e9", "-1", "9" * 400, "0", "x" * 9000)
