"""What somebody means who names a share of wrong ones or a probability."""

from __future__ import annotations


def share(given: str) -> float | None:
    """A share of wrong ones: “2 %”, “0.02” or “0,02”; None where it is none between 0 and 1."""
    value = _number(given)
    return value if value is not None and 0 < value < 1 else None


def share_or_probability(given: str) -> tuple[float | None, float | None] | None:
    """A share of wrong ones and None, or None and a probability; None for neither.

    “2 %” and “0.02” are shares, “0.95” is a probability: a number below one half would accept what the model itself
    finds improbable, and is meant as a share.
    """
    value = _number(given)
    if value is None:
        return None
    if given.strip().endswith("%") or value < 0.5:
        return (value, None) if 0 < value < 1 else None
    return (None, value) if value <= 1 else None


def _number(given: str) -> float | None:
    text = given.strip().replace(",", ".")
    try:
        return float(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
