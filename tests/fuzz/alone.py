"""What is tried without a server: regular expressions on long texts, and bodies at the limits of size and fields."""

from __future__ import annotations

from bench import limits
from tests.fuzz.patterns import patterns
from tests.fuzz.pumping import slowest
from tests.fuzz.tally import Line

#: Letters of a text, and texts for a pattern.
SIZE, TEXTS = 100_000, 40
#: Of one body that nobody has verified, in processor milliseconds and MiB.
MOST_MILLISECONDS, MOST_MEBIBYTES = 100, 32


def of_patterns() -> list[Line]:
    """Try every regular expression. Raises AssertionError for one that isn't linear."""
    found = list(patterns())
    costs = [slowest(one.pattern, one.methods, SIZE, TEXTS) for one in found]
    most = max(seconds for seconds, _ in costs) * 1000
    what = f"{len(found)} regular expressions on hostile texts of {SIZE // 1000} kB, all linear: {most:.0f} ms at most"
    return [Line(what, f"{sum(tried for _, tried in costs):,}", wrong="0")]


def of_limits() -> list[Line]:
    """Send the largest bodies; what nobody has verified may cost little."""
    lines = []
    costs = list(limits.measured())
    for what, some in {
        "bodies at the limits, verified": [cost for cost in costs if cost.status < 400],
        "bodies at the limits, unverified": [cost for cost in costs if cost.status >= 400],
    }.items():
        slow, large = max(cost.milliseconds for cost in some), max(cost.mebibytes for cost in some)
        is_cheap = slow <= MOST_MILLISECONDS and large <= MOST_MEBIBYTES
        what = f"{what}: {slow:.0f} ms of processor time and {large:.0f} MiB at most"
        wrong = "1" if some[0].status >= 400 and not is_cheap else "0"
        lines.append(Line(what, str(len(some)), wrong=wrong))
    return lines
