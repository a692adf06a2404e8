"""What a training is told to do. Imported by the screen's process, so neither torch nor transformers here."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast, get_args

from core.errors import TrainingError

Precision = Literal["auto", "fp32", "bf16"]
ClassWeights = Literal["none", "balanced"]
Pooling = Literal["auto", "first", "mean"]


@dataclass(frozen=True)
class TrainingArguments:
    """The arguments of one training, checked when built.

    Raises `TrainingError` naming the field, the value and the allowed range.
    """

    base_model: str = "auto"
    """A name on the Hugging Face hub, a folder, or `auto`: BERT-base with a GPU, else MiniLM. Not empty."""

    epochs: float | None = None
    """Passes over the training reviews, above 0 to 1,000; None chooses by their number."""

    steps: int | None = None
    """Optimiser steps instead of epochs, 1 to 1,000,000; with `epochs`, whichever ends first. None: no limit."""

    length_factor: float = 1.0
    """How long an automatic length is, against the usual one, 0.05 to 10; epochs or steps that are given stay."""

    learning_rate: float | None = None
    """Peak learning rate, above 0 to 1; None takes 1e-4 for encoders of up to 512 numbers a token, twice
    that with few labels, and 5e-5 for wider ones."""

    head_multiplier: float = 1.0
    """How many times that rate the new classifier learns with, 1 to 1,000; 10 gained nothing steady."""

    layer_decay: float = 1.0
    """Factor from one encoder layer's learning rate to the next lower one's, 0.1 to 1; 1 is one rate for all."""

    batch_size: int | None = None
    """Reviews whose gradient is computed at a time, 1 to 1,024; None takes 16 an optimiser step, in as few parts as
    the memory has room for. Halved, with the same gradient in the end, when the memory runs out."""

    accumulation: int = 1
    """How many times `batch_size` reviews an optimiser step has, their gradients averaged, 1 to 1,024."""

    max_length: int | None = None
    """Longest review in tokens, 8 to 8,192; None takes the training reviews' 99th percentile, 64 to 256."""

    warmup_share: float = 0.1
    """Share of the steps over which the learning rate rises, 0 to 0.9."""

    weight_decay: float = 0.01
    """AdamW's decoupled weight decay, 0 to 1; never applied to biases and normalisation."""

    gradient_clip: float = 1.0
    """Largest norm of the gradient, above 0 to 1,000."""

    label_smoothing: float = 0.0
    """Share of the probability spread over all labels, 0 to below 0.5."""

    class_weights: ClassWeights = "none"
    """`balanced` weighs a review in the loss inversely to its class's size, at most 10 times a review of the largest
    class, for classes of very different sizes; `none` weighs all the same."""

    validation_share: float = 0.2
    """Share of the labelled reviews kept back to choose the best weights, 0 to 0.5; 0 keeps none back."""

    patience: int | None = 4
    """Evaluations without a lower validation loss until the end, 1 to 1,000; None never ends early."""

    fewest_validation: int = 100
    """Validation reviews, 1 to 1,000,000, from which on they choose the best weights and end the training early.

    Fewer of them choose worse than keeping the last weights does: by the loss on 12 reviews sst2 came to 54 %
    where the last weights had 69 %.
    """

    min_steps: int = 120
    """Fewest optimiser steps of an automatic length, 1 to 100,000: few labels are seen more often instead."""

    seed: int = 0
    """Seeds the classifier, the order of the reviews and dropout, 0 to 2**32 - 1."""

    precision: Precision = "auto"
    """`bf16` computes under autocast, `fp32` does not, `auto` takes bf16 where the hardware has it."""

    freeze_embeddings: bool | None = None
    """Whether the embedding matrices stay as they are; None freezes them on a CPU, where they cost most, and
    wherever layers above them are frozen."""

    freeze_layers: int | None = None
    """How many of the lowest encoder layers stay as they are, 0 to 100; the highest is always trained. None freezes
    half of them with few labels (below 400), and else on a CPU a third."""

    pool_reviews: int = 2_000
    """Most unlabelled reviews that a training of few labels learns from too, by what two kinds of models that had not
    seen them say together, 0 to 100,000; 0 learns from the labelled ones alone."""

    pooling: Pooling = "auto"
    """What the classifier reads: `first`, the first token's vector as BERT was made to, or `mean`, the mean of all
    tokens' in the place of the last layer. `auto` takes the mean with few labels (below 400) of base models that were
    made for sentence vectors, whose first token says nothing yet."""

    def __post_init__(self) -> None:
        if not isinstance(self.base_model, str) or not self.base_model.strip():
            raise _wrong("base_model", self.base_model, "a model name, a folder, or auto")
        if self.precision not in get_args(Precision):
            raise _wrong("precision", self.precision, "auto, fp32 or bf16")
        if self.class_weights not in get_args(ClassWeights):
            raise _wrong("class_weights", self.class_weights, "none or balanced")
        if self.pooling not in get_args(Pooling):
            raise _wrong("pooling", self.pooling, "auto, first or mean")
        if self.freeze_embeddings not in (True, False, None):
            raise _wrong("freeze_embeddings", self.freeze_embeddings, "true, false, or null for automatic")
        for name, (low, high, open_low, whole, optional) in _RANGES.items():
            value = getattr(self, name)
            if value is None and optional:
                continue
            if not _inside(value, low, high, open_low, whole):
                raise _wrong(name, value, _range_text(low, high, open_low, whole, optional))

    def to_json(self) -> str:
        """One JSON object with every field."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> TrainingArguments:
        """The arguments that `to_json` wrote; a missing key takes its default.

        Raises `TrainingError` for text that is no JSON object, for an unknown key and for a wrong value.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise TrainingError(f"The training arguments are not valid JSON: {error}.", "Write them again.") from None
        if not isinstance(values, dict):
            raise TrainingError("The training arguments are no JSON object.", 'Write them as {"epochs": 3}.')
        _refuse_unknown(values)
        return cls(**cast(dict[str, Any], values))


def preset(name: str, **overrides: Any) -> TrainingArguments:
    """The arguments of a preset, with some of them overridden.

    - `quick`: for a first look. Half the steps, and fewer reviews of the pool.
    - `balanced`: the defaults.
    - `thorough`: for many labels. Half as many steps again and patience for twice as many evaluations, lower layers
      learning more slowly (Howard and Ruder 2018, "Universal Language Model Fine-tuning"), and smoothed labels: twice
      the steps without them lost 1 to 2 points at 256 labels.

    Raises `TrainingError` for a name that is no preset, an unknown argument or a wrong value.
    """
    if name not in PRESETS:
        raise TrainingError(f"There is no preset {name!r}.", f"Choose one of: {', '.join(PRESETS)}.")
    values = {**PRESETS[name], **overrides}
    _refuse_unknown(values)
    return TrainingArguments(**values)


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {"length_factor": 0.5, "pool_reviews": 500},
    "balanced": {},
    "thorough": {"length_factor": 1.5, "layer_decay": 0.95, "label_smoothing": 0.1, "patience": 8},
}
"""What each preset changes."""


def _refuse_unknown(values: dict[str, Any]) -> None:
    known = {field.name for field in fields(TrainingArguments)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise TrainingError(
            f"Unknown training argument {', '.join(unknown)}.", f"Known are {', '.join(sorted(known))}."
        )


# name: (lowest, highest, lowest excluded, whole numbers only, None allowed)
_RANGES: dict[str, tuple[float, float, bool, bool, bool]] = {
    "epochs": (0, 1_000, True, False, True),
    "steps": (1, 1_000_000, False, True, True),
    "length_factor": (0.05, 10, False, False, False),
    "learning_rate": (0, 1, True, False, True),
    "head_multiplier": (1, 1_000, False, False, False),
    "layer_decay": (0.1, 1, False, False, False),
    "batch_size": (1, 1_024, False, True, True),
    "accumulation": (1, 1_024, False, True, False),
    "max_length": (8, 8_192, False, True, True),
    "warmup_share": (0, 0.9, False, False, False),
    "weight_decay": (0, 1, False, False, False),
    "gradient_clip": (0, 1_000, True, False, False),
    "label_smoothing": (0, 0.49, False, False, False),
    "validation_share": (0, 0.5, False, False, False),
    "patience": (1, 1_000, False, True, True),
    "fewest_validation": (1, 1_000_000, False, True, False),
    "freeze_layers": (0, 100, False, True, True),
    "pool_reviews": (0, 100_000, False, True, False),
    "min_steps": (1, 100_000, False, True, False),
    "seed": (0, 2**32 - 1, False, True, False),
}


def _inside(value: object, low: float, high: float, open_low: bool, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return False
    number = float(cast(float, value))
    return math.isfinite(number) and number <= high and (number > low if open_low else number >= low)


def _range_text(low: float, high: float, open_low: bool, whole: bool, optional: bool) -> str:
    kind = "a whole number" if whole else "a number"
    start = f"above {low:g}, at most" if open_low else f"from {low:g} to"
    return f"{kind} {start} {int(high) if whole else format(high, 'g')}" + (
        ", or null for automatic" if optional else ""
    )


def _wrong(name: str, value: object, allowed: str) -> TrainingError:
    return TrainingError(f"The training argument {name} is {value!r}.", f"It must be {allowed}.")
