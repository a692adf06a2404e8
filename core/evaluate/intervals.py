"""How sure a measured share is."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson(right: int, size: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a share, lower and upper end.

    Wilson, “Probable inference, the law of succession, and statistical inference” (1927). Unlike the usual
    ± it stays inside 0 to 1 and holds for small sizes. Raises ValueError unless 0 ≤ right ≤ size, size > 0.
    """
    if not 0 <= right <= size or size == 0:
        raise ValueError(f"{right} of {size} is no share")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / size
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    return max(0.0, middle - half), min(1.0, middle + half)
