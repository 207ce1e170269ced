"""/openapi.json says what the routes take and answer, and can't drift from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from flask import Flask

from receiver import Receiver
from receiver.app.components import Kit
from receiver.errors import ReceiverError, SetUpPing
from receiver.orders import encode_form, encode_json
from receiver.orders.sample import order_of_the_guide
from receiver.settings.installation import VERSION
from tests.served import SECRET, Served, order_fields, signed

#: What's for people, and what a browser loads for them.
FOR_PEOPLE = {"console", "account", "static", "home"}


def description_of(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return found


def every_text(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [text for name, one in part.items() for text in (str(name), *every_text(one))]
    return [text for one in part for text in every_text(one)] if isinstance(part, list) else [str(part)]


def test_every_route_that_is_not_for_people_is_described_with_its_methods(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    described = {
        (path.replace("{", "<path:").replace("}", ">"), method.upper())
        for path, operations in description_of(app)["paths"].items()
        for method in operations
    }
    assert described == {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] not in FOR_PEOPLE
        for method in (rule.methods or set()) - {"OPTIONS"}
    }


def test_it_is_a_sound_description(make_app: Callable[..., Flask]) -> None:
    found = description_of(make_app())
    schemathesis.openapi.from_dict(found).validate()
    names = [one["operationId"] for operations in found["paths"].values() for one in operations.values()]
    assert len(set(names)) == len(names) == 16
    references = {text for text in every_text(found) if text.startswith("#/")}
    assert references == {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    used = {
        name
        for operations in found["paths"].values()
        for operation in operations.values()
        for proof in operation.get("security", ())
        for name in proof
    }
    assert used == found["components"]["securitySchemes"].keys()


def test_every_problem_that_a_delivery_can_end_in_is_an_answer(make_app: Callable[..., Flask]) -> None:
    answers = description_of(make_app())["paths"]["/orders/{source}"]["post"]["responses"]
    kinds = [ReceiverError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    for kind in kinds[1:]:
        if kind.__module__.startswith("receiver.") and kind is not SetUpPing:
            fields = answers[str(kind.status)]["content"]["application/problem+json"]["schema"]["properties"]
            assert f"urn:order-receiver:problem:{kind.slug}" in fields["type"]["enum"]
            assert kind.title in fields["title"]["enum"]


def test_the_settings_are_in_it(make_app: Callable[..., Flask]) -> None:
    usual = description_of(make_app())
    assert usual["servers"] == [{"url": "http://127.0.0.1:8000"}]
    assert len(usual["paths"]["/orders"]["post"]["security"]) == 4
    found = description_of(make_app(MAX_BODY_BYTES=123_456, MAX_FIELDS=789, REQUIRE_SIGNATURE=True))
    body = found["paths"]["/orders"]["post"]["requestBody"]["description"]
    assert "123,456 bytes and 789 fields" in body
    (proof,) = found["paths"]["/orders"]["post"]["security"]
    assert set(proof) == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_it_may_be_kept_and_holds_no_secret_and_no_release(make_app: Callable[..., Flask]) -> None:
    client = make_app(METRICS_TOKEN="a-token-that-nobody-guesses").test_client()
    answer = client.get("/openapi.json")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in answer.headers
    again = client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert not any(text in answer.text for text in (SECRET, SECRET[6:], "a-token-that-nobody-guesses"))
    assert VERSION not in every_text(answer.get_json())


def test_the_test_order_is_one_of_the_described(make_app: Callable[..., Flask]) -> None:
    """In both encodings, by another's reading of the schemas."""
    components = description_of(make_app())["components"]
    order = order_of_the_guide()
    form = dict(pair.split("=", 1) for pair in encode_form(order).decode().split("&"))
    for name, sent in {"Order": json.loads(encode_json(order)), "OrderForm": form}.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        assert jsonschema_rs.is_valid(schema, sent)
        assert not jsonschema_rs.is_valid(schema, {field: one for field, one in sent.items() if field != "order_id"})
    assert form.keys() - components["schemas"]["OrderForm"]["properties"].keys() == {
        name for name in form if name.startswith(("item_", "custom_"))
    }


def test_in_a_site_it_is_below_the_prefix(instance: Any) -> None:
    site = Flask("site")
    receiver = Receiver(site, instance_path=instance)
    assert site.test_client().get("/receiver/openapi.json").get_json()["openapi"] == "3.1.0"
    assert receiver.app is not None
    kit: Kit = receiver.app.extensions["receiver"]
    kit.database.engine.dispose()


ANSWERS: dict[str, tuple[int, Callable[[Served], requests.Response]]] = {}


def answers(status: int) -> Callable[[Callable[[Served], requests.Response]], Callable[[Served], requests.Response]]:
    """Note what is answered with this status."""

    def note(send: Callable[[Served], requests.Response]) -> Callable[[Served], requests.Response]:
        ANSWERS[f"{status} {send.__name__}"] = (status, send)
        return send

    return note


def post(shop: Served, fields: dict[str, str] | bytes, path: str = "", **headers: str) -> requests.Response:
    return requests.post(shop.url + path, fields, headers={"X-Shared-Secret": SECRET} | headers, timeout=60)


@answers(202)
def accepted(shop: Served) -> requests.Response:
    return post(shop, order_fields())


@answers(202)
def parked(shop: Served) -> requests.Response:
    return post(shop, order_fields(total="much"))


@answers(200)
def duplicate(shop: Served) -> requests.Response:
    fields = order_fields()
    post(shop, fields)
    return post(shop, fields)


@answers(200)
def ignored(shop: Served) -> requests.Response:
    return post(shop, order_fields(payment_status="pending"))


@answers(200)
def of_a_test(shop: Served) -> requests.Response:
    return post(shop, order_fields(test="true"))


@answers(200)
def ping(shop: Served) -> requests.Response:
    return post(shop, {"test": "test"})


@answers(400)
def empty(shop: Served) -> requests.Response:
    return post(shop, b"")


@answers(401)
def unverified(shop: Served) -> requests.Response:
    return post(shop, order_fields(), **{"X-Shared-Secret": "another-that-is-wrong"})


@answers(404)
def of_no_source(shop: Served) -> requests.Response:
    return post(shop, order_fields(), "/nobody")


@answers(413)
def too_large(shop: Served) -> requests.Response:
    return post(shop, order_fields(customer_note="x" * 3000))


@answers(422)
def with_a_card(shop: Served) -> requests.Response:
    return post(shop, order_fields(card_number="4111111111111111", cvv="123"))


@answers(429)
def once_too_often(shop: Served) -> requests.Response:
    for _ in range(21):
        answer = unverified(shop)
    return answer


@answers(503)
def not_now(shop: Served) -> requests.Response:
    shop.kit.obstacles.lasting.append("a setting is wrong")
    return post(shop, order_fields())


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_as_described(serve: Callable[..., Served], name: str) -> None:
    status, send = ANSWERS[name]
    shop = serve(MAX_BODY_BYTES=2048)
    described = schemathesis.openapi.from_url(f"{shop.base}/openapi.json", timeout=60)
    answer = send(shop)
    path = "/orders/{source}" if "nobody" in answer.url else "/orders"
    assert answer.status_code == status
    operation = described[path]["POST"]
    operation.validate_response(answer)
    says_when = "headers" in operation.definition.raw["responses"][str(status)]
    assert ("Retry-After" in answer.headers) == says_when


def test_a_signed_delivery_is_verified_as_described(serve: Callable[..., Served]) -> None:
    shop = serve()
    body = encode_json(order_of_the_guide())
    found = requests.get(f"{shop.base}/openapi.json", timeout=60).json()
    sent = signed(body, webhook_id="evt_8f14e45fceea167a")
    assert found["paths"]["/orders"]["post"]["security"][0].keys() == sent.keys()
    answer = requests.post(shop.url, body, headers={"Content-Type": "application/json"} | sent, timeout=60)
    assert answer.status_code == 200
