"""docs/metrics.md, the alert rules and the dashboard name the metrics that there are, and all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from receiver.app.metrics.work import KINDS
from tests.served import Served, order_fields
from tests.web.console.filling import BROKEN_HANDLER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")
ALERTS = (ROOT / "deploy" / "prometheus-alerts.yml").read_text("utf-8")
DASHBOARD = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text("utf-8"))
TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
def families(instance: Path, serve: Callable[..., Served], make_app: Callable[..., Flask]) -> list[Metric]:
    """Return the answer of `/metrics` after an order, a failed handler and a refusal."""
    (instance / "handlers" / "tell_the_warehouse.py").write_text(BROKEN_HANDLER)
    shop = serve()
    shop.post(order_fields())
    shop.post(order_fields(), prove=False)
    shop.settled()
    shop.kit.refusals.flush()
    text = (
        make_app(METRICS_TOKEN=TOKEN).test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    )
    return list(text_string_to_metric_families(text))


def exported(family: Metric) -> str:
    """Return a metric's name as a query has it."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_the_page_has_each_metric_as_it_is(families: list[Metric]) -> None:
    rows = re.findall(r"^\| `(receiver_\w+)` \| (\w+) \| (.*?) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (
            exported(family),
            family.type,
            ", ".join(f"`{label}`" for label in sorted(family.samples[0].labels)),
            family.documentation,
        )
        for family in families
    ]


def test_the_page_says_what_the_kinds_of_jobs_are() -> None:
    (said,) = re.findall(r"^- `receiver_jobs` has these kinds: (.*?)(?=^- )", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", said)) == set(KINDS)


def strings(value: Any, key: str) -> Iterator[str]:
    """Yield every text under a key, however deep it is."""
    if isinstance(value, list):
        for one in value:
            yield from strings(one, key)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name == key and isinstance(one, str):
                yield one
            yield from strings(one, key)


def assert_selected(queries: list[str], families: list[Metric]) -> set[str]:
    """Fail if a query names a metric or a label that isn't there; return the metrics that are named."""
    labels = {
        exported(family): {"job", *(name for one in family.samples for name in one.labels)} for family in families
    }
    named = set()
    for query in queries:
        for name, selected in re.findall(r"\b(receiver_\w+)(?:\{(.*?)\})?", query):
            assert name in labels, query
            assert set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", selected)) <= labels[name], query
            named.add(name)
        by = {label.strip() for group in re.findall(r"by \((.*?)\)", query) for label in group.split(",")}
        assert by <= set().union(*(labels[name] for name in named)), query
    return named


def test_the_alerts_ask_for_metrics_that_there_are(families: list[Metric]) -> None:
    queries = re.findall(r"^ +expr: (.+)$", ALERTS, re.MULTILINE)
    assert len(queries) == len(re.findall(r"^ +- alert: \w+$", ALERTS, re.MULTILINE)) == 5
    assert assert_selected(queries, families)


def test_the_dashboard_shows_all_metrics_and_no_other(families: list[Metric]) -> None:
    queries = list(strings(DASHBOARD["panels"], "expr"))
    assert assert_selected(queries, families) == {exported(family) for family in families}
    assert [query for query in queries if query.count('{job="$job"') != query.count("receiver_")] == []


def test_the_dashboard_takes_any_data_source_and_its_panels_do_not_overlap() -> None:
    assert set(strings(DASHBOARD, "uid")) == {"order-receiver", "${datasource}"}
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        covered = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in covered) < 24
        assert not cells & covered, panel["title"]
        cells |= covered
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_sample_for_prometheus_has_the_token_in_a_file_and_goes_over_https() -> None:
    (sample,) = re.findall(r"```yaml\n( +rule_files.*?)```", PAGE, re.DOTALL)
    assert "scheme: https" in sample
    assert "credentials_file: " in sample
