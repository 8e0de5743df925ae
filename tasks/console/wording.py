"""Numbers as people read them."""

from __future__ import annotations

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def duration(seconds: float | None) -> str:
    """`0.23`: 230 ms; `3.2`: 3.2 s; `75`: 1 min 15 s; `4000`: 1 h 6 min; nothing: –."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for unit, inner, size, within in (
        ("d", "h", DAY_S, HOUR_S),
        ("h", "min", HOUR_S, MINUTE_S),
        ("min", "s", MINUTE_S, 1),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // within} {inner}"
    raise AssertionError(seconds)  # a minute or more is at least one of the units


def percent(share: float) -> str:
    """`0.0213`: 2.1 %. What is more than nothing never reads as nothing."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{share:.1%}".replace("%", " %").replace(".0 ", " ")
