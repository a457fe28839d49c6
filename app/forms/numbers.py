"""Numbers as people write and read them."""

from __future__ import annotations

import math


def parse_number(text: str) -> float:
    """A number typed by a person: "1e-3", "−2.5", "1 024", "2,5". Raises `ValueError`."""
    cleaned = text.strip().replace("\u2212", "-").replace("\u202f", "").replace("\u00a0", "").replace(" ", "")
    if "," in cleaned and "." not in cleaned and cleaned.count(",") == 1:
        cleaned = cleaned.replace(",", ".")
    value = float(cleaned)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def number_words(value: float, digits: int = 4) -> str:
    """A number to read: `digits` significant ones, a true minus, thin gaps from 10 000 on, 1.2e-6 for the small."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "\u2212∞"}.get(value, "not a number")
    if 10_000 <= abs(value) < 1e9:
        value = round(value)
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}".replace(",", "\u202f") if abs(value) >= 10_000 else str(int(value))
    else:
        text = f"{value:.{digits}g}"
        if "e" in text:
            mantissa, _, exponent = text.partition("e")
            text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "\u2212")


def with_error(value: float, error: float | None, unit: str = "") -> str:
    """Value, error and unit: "1.07 ± 0.21 mm". The value has no more decimals than its error deserves."""
    tail = unit if unit in ("°", "") else f" {unit}"
    if error is None or not math.isfinite(error) or error <= 0 or not math.isfinite(value):
        return f"{number_words(value)}{tail}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    if decimals > 6 or abs(value) >= 1e6:
        return f"{number_words(value)} ± {number_words(error, 2)}{tail}"
    return f"{value:.{decimals}f} ± {error:.{decimals}f}{tail}".replace("-", "\u2212")
