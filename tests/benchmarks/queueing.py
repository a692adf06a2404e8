"""How long the queue takes to be made anew, and what plainer ways to make it take.

    python -m tests.benchmarks.queueing [--reviews N] [--labels L] [--times K] [--seconds S]

A pool of random features in a file, float16 as the cache has them, with random probabilities and 500 labelled
reviews. Seconds are those of the processor, one core, so that others on the machine do not count. Beside each
strategy stand the random order, a full sort by margin, and a k-center (farthest-first) choice of 256 that looks at
every review in every dimension, which is stopped after `--seconds` and then estimated.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from core.queue.choice import StrategyName, strategy  # noqa: E402
from core.queue.plan import HEAD, plan  # noqa: E402
from core.queue.pool import Pool  # noqa: E402
from core.queue.scores import margins  # noqa: E402
from core.queue.similar import similar  # noqa: E402

LABELLED = 500
COUNT = 2_000
"""Reviews put in order: what is stored after a training."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="most for one naive choice")
    wanted = parser.parse_args()
    widths = (384, 1_536)
    table = Table("what", *(f"{width:,} dimensions, s" for width in widths))
    rows: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for width in widths:
            pool = _pool(Path(folder) / f"{width}.npy", wanted.reviews, width, wanted.labels)
            for name, work in _works(pool).items():
                rows.setdefault(name, []).append(f"{_median(work, wanted.times):.3f}")
            rows.setdefault(f"k-center over everything, {HEAD}", []).append(_naive(pool, wanted.seconds))
    for name, cells in rows.items():
        table.add_row(name, *cells)
    title = f"{wanted.reviews:,} reviews, {wanted.labels} labels, the first {COUNT:,}; median of {wanted.times}"
    Console(width=118).print(title, table)


def _pool(file: Path, reviews: int, width: int, labels: int) -> Pool:
    """Random reviews in as many clouds as there are labels, their features read from the file as they are needed."""
    draw = np.random.default_rng(0)
    size = reviews + LABELLED
    kinds = draw.integers(0, labels, size)
    middles = draw.standard_normal((labels, width), dtype=np.float32)
    features = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(size, width))
    for start in range(0, size, 10_000):
        some = kinds[start : start + 10_000]
        features[start : start + 10_000] = middles[some] + draw.standard_normal((len(some), width), dtype=np.float32)
    features.flush()
    logits = draw.standard_normal((reviews, labels), dtype=np.float32)
    logits[np.arange(reviews), kinds[:reviews]] += 2
    raised = np.exp(logits)
    return Pool(
        size=reviews,
        features=np.load(file, mmap_mode="r"),
        rows=np.arange(reviews),
        probabilities=raised / raised.sum(axis=1, keepdims=True),
        second=(raised[:, ::-1] / raised.sum(axis=1, keepdims=True)).copy(),
        labelled=np.eye(labels, dtype=np.bool_)[kinds[reviews:]],
        labelled_rows=np.arange(reviews, size),
        groups=np.arange(reviews),
        audit=draw.random(reviews) < 0.2,
    )


def _works(pool: Pool) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    assert pool.probabilities is not None
    found: dict[str, Callable[[], object]] = {
        "random order alone": pool.shuffled,
        "full sort by margin alone": partial(_sorted, pool.probabilities),
    }
    for name in StrategyName:
        found[f"queue: {name}"] = partial(plan, pool, strategy(name, label=0), COUNT)
    found["more like this, 50"] = partial(similar, pool, np.array([pool.size]), 50)
    return found


def _sorted(probabilities: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> object:
    return np.argsort(margins(probabilities), kind="stable")


def _median(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times + 1):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken[1:])


def _naive(pool: Pool, seconds: float) -> str:
    """Farthest-first over all reviews and dimensions, once; what is not done in time is estimated."""
    began = time.process_time()
    assert pool.features is not None
    vectors = np.asarray(pool.features[: pool.size], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = vectors @ vectors[0]
    start = time.process_time()
    for chosen in range(1, HEAD):
        np.maximum(nearest, vectors @ vectors[int(nearest.argmin())], out=nearest)
        if time.process_time() - began > seconds:
            return f"about {start - began + (time.process_time() - start) / chosen * HEAD:.1f}"
    return f"{time.process_time() - began:.1f}"


if __name__ == "__main__":
    main()
