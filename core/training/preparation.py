"""What a training needs before its first step: the model on its device, the reviews as token ids, a proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.errors import LossNotFinite
from core.training.arguments import TrainingArguments
from core.training.base_model import LocatedModel, locate
from core.training.classifier import load_base, positions
from core.training.device import Device
from core.training.encoding import Encoded, encode_for_training
from core.training.examples import TrainingSet
from core.training.head_start import start_head
from core.training.inference import batched_logits
from core.training.layers import drop_no_attention, freeze, frozen_layers
from core.training.passing import Computed
from core.training.pooling import average_tokens, reads_mean
from core.training.progress import Loaded
from core.training.schedule import Schedule, reviews_a_step
from core.training.targets import balanced_weights, target_array
from core.training.validation import Validation

FEW_LABELS = 400
"""Labelled reviews below which an encoder is trained with care: the mean of the tokens, the lower half as it is."""

LABELLED_SHARE = 0.15
"""Of what a training on a pool sees, the share that is labelled reviews. The queue chose them because they are hard:
with a third of them the model forgets what is usual. With 256 labels, one seed, a third against this share, both at
the narrow rate: airline_tweets 73.6 and 75.8, sst2 81.2 and 81.4, cr 83.8 and 84.4, trec 90.8 and 88.8; log-losses
0.715 and 0.691, 0.427 and 0.424, 0.438 and 0.417, 0.343 and 0.353. With 64 labels they are equal."""

MOST_KEPT_BACK = 200
"""Pool reviews that are kept back from learning, a tenth of the pool at most."""


@dataclass(frozen=True)
class Prepared:
    """All that stays as it is while the model's weights change."""

    examples: TrainingSet
    arguments: TrainingArguments
    device: Device
    located: LocatedModel
    model: nn.Module
    tokenizer: Any
    train: Encoded
    validation: Encoded
    schedule: Schedule
    targets: torch.Tensor
    """Of the training reviews: [n] class indices, or [n, classes] zeros and ones; with a pool, whose reviews follow
    the labelled ones, [n, classes] probabilities."""
    places: list[int]
    """The training reviews that an epoch takes, by place; beside a pool the labelled ones come several times."""
    class_weights: torch.Tensor | None
    """[classes], or None where all weigh the same."""
    few: bool
    """Whether there are few labelled reviews, and no pool beside them."""
    computed: Computed
    """What a step computes of the model, and from what."""

    @property
    def pad_token(self) -> int:
        return int(self.tokenizer.pad_token_id)

    @property
    def longest(self) -> list[int]:
        """The places of the longest training reviews, as many as a step takes."""
        order = sorted(range(len(self.train.ids)), key=lambda place: -len(self.train.ids[place]))
        return order[: reviews_a_step(self.arguments)]

    def empty_validation(self) -> Validation:
        """The history of evaluations before the first."""
        examples = self.examples
        return Validation(
            target_array(examples.validation_labels, len(examples.label_names), examples.multi_label),
            chooses=len(self.validation) >= self.arguments.fewest_validation,
            patience=self.arguments.patience,
        )

    def prove(self) -> None:
        """One evaluation batch, before anything costs time; raises `LossNotFinite` when it gives NaN or infinity."""
        few = self.train.ids[: reviews_a_step(self.arguments)]
        for _, logits in batched_logits(self.model, few, self.pad_token, self.device):
            if not np.isfinite(logits).all():
                raise not_finite(0)

    def loaded(self, at_once: int, resumed_from: int) -> Loaded:
        """What a person is told before the first step."""
        parameters = [(parameter.numel(), parameter.requires_grad) for parameter in self.model.parameters()]
        return Loaded(
            base_model=self.located.name,
            source=self.located.source,
            device=self.device.name,
            precision=self.device.precision,
            parameters=sum(count for count, _ in parameters),
            trainable_parameters=sum(count for count, trained in parameters if trained),
            train=len(self.examples.train_texts),
            validation=len(self.validation),
            truncated=self.train.truncated + self.validation.truncated,
            max_length=self.train.max_length,
            total_steps=self.schedule.total_steps,
            batch_size=reviews_a_step(self.arguments),
            at_once=at_once,
            resumed_from=resumed_from,
        )


def prepare(
    examples: TrainingSet,
    arguments: TrainingArguments,
    device: Device,
    should_stop: Callable[[], bool] = lambda: False,
) -> Prepared:
    """Load the base model onto the device, tokenise every review once, and ask the frozen layers.

    The new classifier is drawn from torch's generator; `should_stop` is asked between two batches of the
    frozen layers. Raises `BaseModelNotFound`, `ModelError`.
    """
    located = locate(arguments.base_model, device.kind != "cpu")
    model, tokenizer = load_base(located, examples.label_names, examples.multi_label)
    train, validation = encode_for_training(
        tokenizer,
        [*examples.train_texts, *examples.pool_texts],
        examples.validation_texts,
        arguments.max_length,
        positions(model, tokenizer),
    )
    few = len(examples.train_texts) < FEW_LABELS
    if reads_mean(model, located, arguments.pooling, few):
        average_tokens(model)
    freeze(model, arguments, device, few)
    if device.kind == "cpu":
        drop_no_attention(model)
    model.to(device.torch_device)
    depth = frozen_layers(model, arguments, device, few)
    computed = Computed.of(model, train.ids, depth, int(tokenizer.pad_token_id), device, should_stop)
    classes = len(examples.label_names)
    labels = target_array(examples.train_labels, classes, examples.multi_label)
    targets, places = _with_pool(examples, labels)
    learned = targets[: max(places) + 1]  # what is kept back to measure by must not say where the classifier begins
    start_head(
        computed,
        learned if learned.ndim > 1 else np.eye(classes, dtype=np.float32)[learned],
        int(tokenizer.pad_token_id),
        device,
        multi_label=examples.multi_label,
        should_stop=should_stop,
    )
    balanced = arguments.class_weights == "balanced"
    return Prepared(
        examples,
        arguments,
        device,
        located,
        model,
        tokenizer,
        train,
        validation,
        Schedule.of(len(places), arguments, None if examples.pool_targets is None else len(labels)),
        torch.from_numpy(targets),
        places,
        torch.from_numpy(balanced_weights(labels, classes)) if balanced else None,
        few and examples.pool_targets is None,
        computed,
    )


def kept_back(pool: int) -> int:
    """How many of so many pool reviews, the last, are not learned from: they say how well the rest was learned."""
    return min(pool // 10, MOST_KEPT_BACK)


def _with_pool(examples: TrainingSet, labels: NDArray[Any]) -> tuple[NDArray[Any], list[int]]:
    """Targets of labelled and pool reviews, and an epoch in which the labelled ones are `LABELLED_SHARE`."""
    count, pool = len(labels), examples.pool_targets
    if pool is None:
        return labels, list(range(count))
    known = labels if labels.ndim > 1 else np.eye(pool.shape[1], dtype=np.float32)[labels]
    learned = len(pool) - kept_back(len(pool))
    times = max(round(learned * LABELLED_SHARE / (1 - LABELLED_SHARE) / count), 1)
    places = [*list(range(count)) * times, *range(count, count + learned)]
    return np.concatenate([known, pool]).astype(np.float32), places


def not_finite(step: int) -> LossNotFinite:
    """The error of a training whose numbers became NaN or infinite at `step`."""
    return LossNotFinite(
        f"The loss became NaN or infinite at step {step}.",
        "Lower learning_rate or set precision to fp32; if that does not help, choose another base model.",
    )
