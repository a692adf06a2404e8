"""Whether probabilities mean what they say: of what is given with 80 %, four in five should be right.

Naeini, Cooper, Hauskrecht, “Obtaining well calibrated probabilities using Bayesian binning” (2015), for the expected
calibration error; Guo, Pleiss, Sun, Weinberger, “On calibration of modern neural networks” (2017), for temperature.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluate.intervals import wilson

MOST_BINS = 10

FEWEST_IN_BIN = 10
"""Below this a bin's 95 % interval is wider than 50 points and shows nothing."""

SURELY_WRONG = 1e-6
"""Probability that stands for zero in the log-loss, which would be infinite; float32 knows no finer one near 1."""

SIMULATIONS = 500
SEED = 0


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence."""

    confidence: float
    """Mean of their probabilities."""
    accuracy: float
    """Share of them that is right."""
    low: float
    """Lower end of the 95 % Wilson interval of the accuracy."""
    high: float
    count: int


@dataclass(frozen=True)
class Reliability:
    """How probabilities compare with what came true."""

    size: int
    """Answers: one a review, in a multi-label scheme one for each of its labels."""
    bins: tuple[Bin, ...]
    """From the least to the most confident; equally many answers each, as far as equal ones stay together."""
    ece: float
    """Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by their size."""
    ece_of_chance: float
    """What it would be on average if the probabilities were perfect: few answers a bin never match exactly."""
    log_loss: float
    """Mean of -ln of the probability of what is true, in nats."""
    brier: float
    """Mean squared distance of probabilities and truth, summed over labels that exclude each other (Brier 1950)."""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the form in the database."""
        return cls(**{**data, "bins": tuple(Bin(**one) for one in data["bins"])})


@dataclass(frozen=True)
class Calibration:
    """Reliability of a run's probabilities, and what it was before they were tempered."""

    after: Reliability
    before: Reliability | None
    """None when the run's temperature is not known."""
    temperature: float | None

    def to_json(self) -> dict[str, Any]:
        """The form in the database and of `--json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the form in the database."""
        before = Reliability.from_json(data["before"]) if data["before"] else None
        return cls(Reliability.from_json(data["after"]), before, data["temperature"])


def reliability(probabilities: NDArray[np.floating], true: NDArray[np.bool_], multi: bool) -> Reliability:
    """Compare probabilities with the truth, both of shape [reviews, labels].

    Of labels that exclude each other the most probable one is the answer, and its probability the confidence. In a
    multi-label scheme every label is an answer of its own: its probability against whether the review has it.
    Raises ValueError when there is no review.
    """
    if len(probabilities) == 0:
        raise ValueError("nothing to measure on")
    said = np.asarray(probabilities, dtype=np.float64)
    if multi:
        confidence, right = said.ravel(), true.ravel()
        of_truth = np.where(true, said, 1 - said).ravel()
        brier = float(np.mean((said - true) ** 2))
    else:
        rows = np.arange(len(said))
        best = said.argmax(axis=1)
        confidence, right = said[rows, best], true[rows, best]
        of_truth = (said * true).sum(axis=1)
        brier = float(((said - true) ** 2).sum(axis=1).mean())
    starts = _starts(np.sort(confidence))
    order = np.argsort(confidence, kind="stable")
    confidence, right = confidence[order], right[order]
    return Reliability(
        size=len(confidence),
        bins=_bins(confidence, right, starts),
        ece=float(_ece(confidence, right[None].astype(np.float64), starts)[0]),
        ece_of_chance=_ece_of_chance(confidence, starts),
        log_loss=float(-np.log(np.maximum(of_truth, SURELY_WRONG)).mean()),
        brier=brier,
    )


def expected_calibration_error(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Mean distance of confidence and accuracy, of shape [answers], over bins of equally many answers; 0 to 1."""
    order = np.argsort(confidence, kind="stable")
    ordered = np.asarray(confidence, dtype=np.float64)[order]
    return float(_ece(ordered, right[order][None].astype(np.float64), _starts(ordered))[0])


def untempered(probabilities: NDArray[np.floating], temperature: float, multi: bool) -> NDArray[np.float64]:
    """What the probabilities, shape [reviews, labels], were before the logits were divided by the temperature.

    Softmax forgets a constant, so that softmax(T · ln p) is the softmax of the undivided logits; sigmoid forgets
    nothing, and sigmoid(T · logit p) is theirs. Exact but for probabilities that float32 rounds to 0 or 1.
    """
    tiny = float(np.finfo(np.float32).tiny)
    said = np.asarray(probabilities, dtype=np.float64)
    if multi:
        said = np.clip(said, tiny, 1 - float(np.finfo(np.float32).epsneg))
        logits = temperature * (np.log(said) - np.log1p(-said))
        halves: NDArray[np.float64] = 0.5 * (1 + np.tanh(logits / 2))
        return halves
    logits = temperature * np.log(np.maximum(said, tiny))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _starts(ordered: NDArray[np.float64]) -> NDArray[np.int64]:
    """Where each bin of sorted confidences begins. Equal confidences share a bin: their order means nothing."""
    size = len(ordered)
    share = max(size / min(MOST_BINS, max(1, size // FEWEST_IN_BIN)), 1)
    starts = [0]
    while (wanted := round(starts[-1] + share)) < size:
        start = int(np.searchsorted(ordered, ordered[wanted - 1], side="right"))
        if size - start < FEWEST_IN_BIN:
            break
        starts.append(start)
    return np.array(starts, dtype=np.int64)


def _sizes(size: int, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.diff(np.append(starts, size))


def _bins(confidence: NDArray[np.float64], right: NDArray[np.bool_], starts: NDArray[np.int64]) -> tuple[Bin, ...]:
    sizes = _sizes(len(confidence), starts)
    means = np.add.reduceat(confidence, starts) / sizes
    found = np.add.reduceat(right.astype(np.int64), starts)
    return tuple(
        Bin(float(mean), int(hits) / int(size), *wilson(int(hits), int(size)), int(size))
        for mean, hits, size in zip(means, found, sizes, strict=True)
    )


def _ece(
    confidence: NDArray[np.float64], right: NDArray[np.float64], starts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The error of each row of `right`, shape [rows, answers], whose answers are sorted by confidence."""
    gaps = np.add.reduceat(right - confidence, starts, axis=1)
    errors: NDArray[np.float64] = np.abs(gaps).sum(axis=1) / len(confidence)
    return errors


def _ece_of_chance(confidence: NDArray[np.float64], starts: NDArray[np.int64]) -> float:
    """The mean error when every answer is right with the very probability it was given.

    After Bröcker and Smith, “Increasing the reliability of reliability diagrams” (2007). How many of a bin come true
    is close enough to normal: only the mean over bins and draws is used.
    """
    draw = np.random.default_rng(SEED)
    spread = np.sqrt(np.add.reduceat(confidence * (1 - confidence), starts))
    gaps = draw.standard_normal((SIMULATIONS, len(starts))) * spread
    return float(np.abs(gaps).sum(axis=1).mean() / len(confidence))
