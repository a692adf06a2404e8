"""A classifier that begins where least squares ends, instead of at random numbers.

The new classifier on top of a base model is drawn at random, and has to be learned in the few hundred steps that a
training of few labels has. With dozens of classes, or with several labels a review, most of them rare, these are too
few. What it reads is known beforehand, so the quick learner's ridge regression on that gives the best linear
classifier at once, and fine-tuning goes on from there (Kumar et al. 2022, “Fine-Tuning can Distort Pretrained
Features and Underperform Out-of-Distribution”, who train the head first by gradient).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.training.classifier import last_linear
from core.training.device import Device
from core.training.encoding import prediction_batches
from core.training.inference import halving
from core.training.passing import Computed, Inputs, forward
from core.training.quick.solving import linear

MOST = 1_500
"""Reviews that the classifier is solved for, evenly out of all: one thread solves that in a second."""

MANY_CLASSES = 10
"""Classes that reviews have, one a review, from which on the rows are solved for.

Below, drawn rows are learned well enough, and from solved ones few labels are learned by heart: trec, six classes,
had with 64 labels alone a log-loss of 0.97, with drawn rows of 0.81 (one seed, held-out training reviews).
"""

LENGTH_A_CLASS = 0.1
"""Mean length of the classifier's rows, one a class, for each class there is.

Among dozens of classes short rows cannot name one: of banking77 with 1,024 labels 79.2 % were right with 2, 86.2 with
7.7, 84.4 with the full 40, 41.2 with rows drawn at random (0.4). With few classes long rows make every step of the
encoder below count for more, and few labels are learned by heart: trec with 64 labels had a log-loss of 0.90 with the
full 9, of 0.69 with 0.6, of 0.68 at random; with 256 labels of 0.361 with 2, of 0.351 with 0.6, of 0.353 at random
(one seed each, held-out training reviews).
"""


def start_head(
    computed: Computed,
    targets: NDArray[np.floating],
    pad_token: int,
    device: Device,
    *,
    multi_label: bool,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Set the last linear layer of the computed model to the ridge solution for its reviews. In place.

    `targets` is [reviews, classes] probabilities, or zeros and ones. Where `should_stop` says
    so, asked between two batches, the layer stays as it is, as does one for which there is nothing to solve: reviews
    of a single class, or of fewer than `MANY_CLASSES` with one a review.
    """
    last, classes = last_linear(computed.model), targets.shape[1]
    if not multi_label and len(np.unique(targets.argmax(axis=1))) < MANY_CLASSES:
        return
    rows = np.unique(np.linspace(0, len(targets) - 1, min(len(targets), MOST)).astype(int))
    sought = np.asarray(targets, dtype=np.float64)[rows]
    if not np.ptp(sought, axis=0).any():
        return
    read = _read(computed, computed.part(rows.tolist()), pad_token, device, should_stop)
    if read is None or not np.isfinite(read).all():  # what is not finite is told by the first evaluation
        return
    mean, deviation = read.mean(axis=0), float(read.std(axis=0).mean()) + 1e-6
    weights, bias = linear((read - mean) / deviation, sought, multi_label)
    weights = weights / deviation
    length = float(np.linalg.norm(weights, axis=0).mean())
    weights *= min(LENGTH_A_CLASS * classes / max(length, 1e-9), 1.0)
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(weights.T))
        if last.bias is not None:
            last.bias.copy_(torch.from_numpy(bias - mean @ weights))


def _read(
    computed: Computed, inputs: Inputs, pad_token: int, device: Device, should_stop: Callable[[], bool]
) -> NDArray[np.float32] | None:
    """What the last linear layer reads of each review, [reviews, width]; None when `should_stop` says so."""
    last, model = last_linear(computed.model), computed.model
    found = np.zeros((len(inputs), last.in_features), dtype=np.float32)
    seen: list[torch.Tensor] = []

    @torch.inference_mode()
    def ask(some: Sequence[list[int]]) -> NDArray[np.float32]:
        forward(model, some, pad_token, device)
        return seen.pop().float().cpu().numpy()

    def note(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        seen[:] = [given[0]]

    model.eval()
    handle = last.register_forward_pre_hook(note)
    try:
        for place, batch in enumerate(prediction_batches([len(one) for one in inputs], device.tokens_per_batch)):
            if place and should_stop():
                return None
            found[batch] = halving(ask, [inputs[place] for place in batch], device)  # type: ignore[misc]
    finally:
        handle.remove()
    return found
