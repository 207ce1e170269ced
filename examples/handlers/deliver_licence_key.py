"""Mail a licence key for every piece of a product that has a file of keys."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from receiver.handlers import RetryLater, Skip, handler

#: One file for each product, named by its SKU, a key on each line; add lines at any time.
FOLDER = Path(__file__).parents[1] / "licence_keys"
#: You are mailed when so many keys of a product are left.
TOLD_AT = (20, 0)


@handler(retries=6)
def deliver_licence_key(order, context):
    """Mail the customer the keys; each is given away once, and the same order has the same keys at every run."""
    if not FOLDER.is_dir():
        raise RetryLater(f"{FOLDER} is not there; put it back from a backup", after=timedelta(minutes=15))
    files = {path.stem: path for path in FOLDER.glob("*.txt")}
    wanted = Counter()
    for item in order.items:
        if item.sku in files:
            wanted[item.sku] += item.quantity or 1
    if not wanted:
        raise Skip("nothing with a licence key was bought")
    if not order.customer.email:
        raise Skip("the order has no email address")
    stocks = {sku: _keys_in(files[sku]) for sku in wanted}
    # From here on no other run of this handler can write, so no other order can take the same keys.
    context.session.execute(
        text(
            "CREATE TABLE IF NOT EXISTS given_licence_keys"
            " (licence_key TEXT PRIMARY KEY, sku TEXT NOT NULL, source TEXT NOT NULL, event_id TEXT NOT NULL)"
        )
    )
    given = {sku: _give(context, sku, number, stocks[sku]) for sku, number in wanted.items()}
    names = {item.sku: item.name or item.sku for item in order.items}
    context.mail(
        to=order.customer.email,
        template="licence_keys",
        reply_to=context.settings["MERCHANT_EMAIL"],
        products=[(names[sku], keys) for sku, keys in given.items()],
    )
    return f"{sum(wanted.values())} licence keys mailed"


def _keys_in(path):
    lines = (line.strip() for line in path.read_text("utf-8-sig").splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def _give(context, sku, number, stock):
    """Give the order's keys of a product; those of an earlier run, else the first that nobody has."""
    order = {"sku": sku, "source": context.source, "event_id": context.event_id}
    mine = text(
        "SELECT licence_key FROM given_licence_keys"
        " WHERE sku = :sku AND source = :source AND event_id = :event_id ORDER BY licence_key"
    )
    if keys := context.session.scalars(mine, order).all():
        return keys
    taken = set(context.session.scalars(text("SELECT licence_key FROM given_licence_keys")))
    free = [key for key in stock if key not in taken]
    if len(free) < number:
        reason = f"{number} keys of {sku} are wanted and {len(free)} are left; add lines to licence_keys/{sku}.txt"
        raise RetryLater(reason, after=timedelta(hours=1))
    keys, left = sorted(free[:number]), len(free) - number
    context.session.execute(
        text("INSERT INTO given_licence_keys VALUES (:licence_key, :sku, :source, :event_id)"),
        [{"licence_key": key, **order} for key in keys],
    )
    if any(left <= mark < len(free) for mark in TOLD_AT):
        context.mail(
            to=context.settings["MERCHANT_EMAIL"],
            template="merchant_alert",
            headline=f"{left} licence keys of {sku} are left",
            lines=[f"Add lines to instance/licence_keys/{sku}.txt; no restart is needed."],
        )
    return keys
