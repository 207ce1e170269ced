"""No card data gets past the guard."""

from __future__ import annotations

import pytest

from receiver.errors import CardDataRefused
from receiver.orders import Fields, guard

VISA = "4111111111111111"


@pytest.mark.parametrize(
    "name",
    [
        "card_number",
        "CardNumber",
        "billing_card-number",
        "payment.card.number",
        "cards[0].number",
        "cvv",
        "CVV2",
        "Card CVC",
        "card_expiry",
        "cc_exp_month",
        "customer_password",
        "passwordHash",
        "ｃｖｖ",
        "custom_card_number",
        "x" * 5000 + "_cvv",
        "cardCode",
        "x_card_code",
        "verification_value",
        "ccv",
        "cv2",
        "CV2",
        "cc_cid",
        "card_verification",
        "cardverificationnumber",
        "card_pin",
        "cardSecurityCode",
        "carte_crypto",
        "kartenpruefnummer",
        "Kartenprüfnummer",
        "kreditkarte",
        "Kartennummer",
        "numero_carte",
        "Numéro de carte",
        "tarjeta",
        "numero-tarjeta",
        "exp_month",
        "expYear",
        "Track2Data",
        "payment.expMonth",
        "passwort",
        "user.pwd",
        "cArD_nUmBeR",
        "CARDNUMBER",
        "card.number",
        "card[number]",
        "card_number[0]",
        *("cardcvv", "cardcvv2", "cccvv", "cvv_value", "cardcvc", "cvvs", "cvvNum", "cvvData", "cvv2Data", "cvc_check"),
        *("ccvCode", "card_sec_code", "cardsecurity", "cryptogram", "ccCsc", "card_cid", "cardCvdValue", "cvv2code"),
        *(
            "creditcardcvc",
            "creditCard.cvvNumber",
            "billingcvv2",
            "paymentCvcNo",
            "card_validation_code",
            "cryptogramme",
        ),
    ],
)
def test_a_card_field_is_dropped_and_named(name: str) -> None:
    guarded = guard([("order_id", "1"), (name, "x")])
    assert guarded.fields == [("order_id", "1")]
    assert guarded.masked is guarded.fields
    assert len(guarded.notes) == 1
    assert guarded.notes[0].startswith(f"{name[:100]} was dropped")


@pytest.mark.parametrize(
    "name",
    [
        "japan",
        "company",
        "gift_card_number",
        "giftCardCvv",
        "discard",
        "card_last4",
        "cvv_result",
        "cid",
        "expiry",
        "simCardNumber",
        "loyalty_card_number",
        "gift-card.code",
        "track",
        "tracking_code",
        "cardnumbers",
        *("cvc_result", "cvvMatch", "pvc", "cv", "cvs", "card_id", "cards_in_stock", "account_cid", "discard_code"),
        *("licence_expiry_month", "passport.expiryYear", "items[0].options.expiry_month", "item_1_exp_year"),
    ],
)
def test_a_field_of_another_name_is_kept(name: str) -> None:
    guarded = guard([(name, "1234")])
    assert guarded.fields == [(name, "1234")]
    assert guarded.notes == ()


#: An object with a full number and its code, as its fields come.
NUMBER_WITH_CODE = [
    [("card_number", VISA), ("cvv", "123")],
    [("PAN", "4111 1111 1111 1111"), ("CVC", " 1234 ")],
    [("billing_card_number", VISA), ("billing_cvv2", "123")],
    [("cc_number", VISA), ("cc_cid", "1234")],
    [("payment.card.number", VISA), ("payment.card.cvc", "123")],
    [("card[number]", VISA), ("card[code]", "123")],
    [("cards[0].number", VISA), ("cards[0].pin", "1234")],
    [("ACCT", VISA), ("EXPDATE", "122029"), ("CVV2", "123")],
    [("Kreditkartennummer", VISA), ("Prüfziffer", "123")],
    [("x_card_num", VISA), ("x_card_code", "123")],
    [("card_number", "4012888888881881"), ("cardcvv", "987")],
    [("payment.cardNumber", VISA), ("payment.cvvNum", "123")],
]


@pytest.mark.parametrize("fields", NUMBER_WITH_CODE)
def test_a_full_number_together_with_its_code_is_refused(fields: Fields) -> None:
    with pytest.raises(CardDataRefused) as caught:
        guard([("order_id", "1"), *fields])
    assert caught.value.fields == [fields[0][0], fields[-1][0]]
    assert VISA not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAN", "4111 1111 1111 1112"),
        ("x.pan", VISA[:-4]),
        ("track2", ";4000000000000000=29121010000012345678?"),
        ("track_1", "%B4000000000000000^DOE/JOHN^2912101"),
    ],
)
def test_a_name_that_may_be_of_a_card_is_dropped_with_digits(name: str, value: str) -> None:
    assert guard([("order_id", "1"), (name, value)]).masked == [("order_id", "1")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("item_1_option_Pan", "28 cm"),
        ("items[0].options.pan", "Teflon"),
        ("item_1_option_track_1", "Intro (3:24)"),
        ("customer_pan", "ABCDE1234F"),
    ],
)
def test_a_name_that_may_be_of_a_card_is_kept_with_anything_else(name: str, value: str) -> None:
    assert guard([("order_id", "1"), (name, value)]).notes == ()


@pytest.mark.parametrize("fields", NUMBER_WITH_CODE)
def test_one_without_the_other_costs_no_order(fields: Fields) -> None:
    for one in (fields[0], fields[-1]):
        guarded = guard([("order_id", "1"), one])
        assert VISA not in str(guarded.masked)


@pytest.mark.parametrize(
    "fields",
    [
        [("card_number", VISA)],
        [("cvv", "123")],
        [("password", VISA)],
        [("card_number", "4111111111111112"), ("cvv", "123")],
        [("card_number", "**** 1111"), ("cvv", "123")],
        [("card_number", "tok_" + VISA), ("cvv", "123")],
        [("card_number", VISA), ("cvv", "12")],
        [("payment.card.number", VISA), ("shipping.cvv", "123")],
    ],
)
def test_what_is_no_full_number_with_its_code_is_dropped_only(fields: Fields) -> None:
    guarded = guard([("order_id", "1"), *fields])
    assert guarded.masked == [("order_id", "1")]
    assert len(guarded.notes) == len(fields)


@pytest.mark.parametrize(
    "field",
    [
        ("pin", "110001"),
        ("shipping.pin", "1234"),
        ("customer.cid", "4711"),
        ("csc", "Culture Shop Club"),
        ("acct", "A-77"),
        ("security_code", "1234"),
        ("shipping_security_code", "1234"),
        ("pruefziffer", "7"),
        ("expiry", "2027-01-31"),
        ("items[0].options.PIN", "1234"),
    ],
)
def test_a_name_that_means_other_things_too_is_kept_by_itself(field: tuple[str, str]) -> None:
    assert guard([("order_id", "1"), field]).notes == ()


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ([("card_number", "x"), ("pin", "1234")], []),
        ([("card_number", "x"), ("pin", "110001")], ["pin"]),
        ([("card_number", "x"), ("shipping_pin", "1234")], ["shipping_pin"]),
        ([("payment.card_number", "x"), ("shipping.security_code", "1234")], ["shipping.security_code"]),
        ([("payment.card_number", "x"), ("payment.security_code", "1234")], []),
        ([("exp_month", "12"), ("cid", "1234")], []),
        ([("expiry", "12/29"), ("csc", "123")], ["expiry"]),
        ([("card_number", "x"), ("expiry", "12/29"), ("acct", "77")], []),
        ([("card.pin", "none")], []),
        ([("payment.card.details.securityCode", "123")], []),
        ([("creditCard[cid]", "123")], []),
        ([("gift_card.pin", "1234")], ["gift_card.pin"]),
        ([("password", "x"), ("pin", "1234")], ["pin"]),
        ([("card_number", "x"), ("pan", "y"), ("track1", "z")], []),
        ([("licence_number", "x"), ("licence_expiry_month", "12")], ["licence_number", "licence_expiry_month"]),
        ([("pan", VISA[:-1]), ("expiry", "12/29"), ("pin", "1234")], []),
        ([("b_card_number", "x"), ("b_expiry_month", "12")], []),
    ],
)
def test_a_name_that_means_other_things_too_counts_beside_a_card(fields: Fields, left: list[str]) -> None:
    assert [name for name, _ in guard(fields).masked] == left


@pytest.mark.parametrize(
    "name",
    ["order_id", "item_1_sku", "payment_reference", "discount_code", "OrderNumber", "Bestellnr", "Telephone"],
)
def test_a_card_number_is_masked_in_a_field_for_other_numbers_too(name: str) -> None:
    guarded = guard([("event", "order.completed"), (name, VISA)])
    assert guarded.masked[1] == (name, "****1111")
    assert guarded.fields[1] == (name, VISA)
    assert guarded.notes == (f"{name} held a card number, which was masked",)


def test_free_text_is_masked_beside_what_came() -> None:
    fields = [
        ("customer_note", f"use {VISA}"),
        ("custom_gift", VISA),
        ("payment_reference", f"Visa {VISA}"),
        (f"custom_{VISA}_x", "a"),
    ]
    guarded = guard(fields)
    assert guarded.fields == fields
    assert guarded.masked == [
        ("customer_note", "use ****1111"),
        ("custom_gift", "****1111"),
        ("payment_reference", "Visa ****1111"),
        ("custom_****1111_x", "a"),
    ]
    assert guarded.notes[0] == "customer_note held a card number, which was masked"
    assert VISA not in "".join(guarded.notes)


def test_names_that_are_remembered_are_taken_for_no_others() -> None:
    halves = [("n", "4111 1111"), ("n", "1111 1111")]
    assert guard([("n\nn", "4111 1111")]).masked == [("n\nn", "4111 1111")]
    assert guard(halves).masked == [("n", "****"), ("n", "****1111")]
    many = [(f"a{number}", "x") for number in range(300)]
    assert guard([*many, *halves]).masked == [*many, ("n", "****"), ("n", "****1111")]


def test_the_shortest_numbers_are_masked_in_text_and_not_in_fields_for_numbers() -> None:
    """Visa once had 13 digits; a number of an article, or of an order, has as many more often."""
    number = "4222222222222"
    assert guard([("note", number), ("order_number", number)]).masked == [
        ("note", "****2222"),
        ("order_number", number),
    ]


def test_a_number_is_masked_in_a_name_and_in_its_value_at_once() -> None:
    assert guard([(f"x {VISA}", f"y {VISA}")]).masked == [("x ****1111", "y ****1111")]


def test_nine_digits_make_a_pan_a_cards() -> None:
    assert guard([("order_id", "1"), ("pan", "411111111")]).masked == [("order_id", "1")]
    assert guard([("order_id", "1"), ("pan", "41111111")]).masked == [("order_id", "1"), ("pan", "41111111")]


def test_a_number_in_a_note_makes_no_code_beside_it_a_cards() -> None:
    assert [name for name, _ in guard([("note", VISA), ("pin", "1234")]).masked] == ["note", "pin"]
