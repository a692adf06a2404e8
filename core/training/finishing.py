"""From the last step to the model that is returned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.training.classifier import fold_temperature
from core.training.inference import batched_logits
from core.training.preparation import Prepared
from core.training.progress import Calibrated
from core.training.state import TrainingState
from core.training.temperature import fit_temperature, loss, probabilities
from core.training.tuned import FineTuned, library_versions

MOST_COMPARED = 500
"""Pool reviews that the confidence is compared on."""


def finish(prepared: Prepared, state: TrainingState, report: Callable[[Calibrated], None]) -> FineTuned:
    """Go back to the best weights, fit the temperature and fold it in."""
    validation = state.validation
    model, examples, kept = prepared.model, prepared.examples, validation.kept
    logits = np.zeros((0, len(examples.label_names)), dtype=np.float32)
    if kept is not None:
        model.load_state_dict(kept.weights, strict=False)
        logits = kept.logits
    model.requires_grad_(True).eval()
    as_taught = _as_taught(prepared) if not len(logits) else None
    model.cpu()
    temperature = fit_temperature(logits, validation.targets) if as_taught is None else as_taught
    fold_temperature(model, temperature)
    if len(logits):
        before, after = (loss(logits / by, validation.targets) for by in (1.0, temperature))
        report(Calibrated(temperature, validation_loss_before=before, validation_loss_after=after))
    return _tuned(prepared, state, logits, temperature)


def _as_taught(prepared: Prepared) -> float | None:
    """The temperature at which the model is as sure of the pool as its teacher, who is calibrated."""
    examples = prepared.examples
    if examples.pool_targets is None:
        return None
    first = len(examples.train_texts)
    ids = prepared.train.ids[first : first + MOST_COMPARED]
    logits = np.zeros((len(ids), len(examples.label_names)), dtype=np.float32)
    for places, batch in batched_logits(prepared.model, ids, prepared.pad_token, prepared.device):
        logits[places] = batch
    return fit_temperature(logits, examples.pool_targets[: len(ids)], probabilities=not examples.multi_label)


def _tuned(prepared: Prepared, state: TrainingState, logits: NDArray[np.float32], temperature: float) -> FineTuned:
    examples, validation, kept = prepared.examples, state.validation, state.validation.kept
    return FineTuned(
        model=prepared.model,
        tokenizer=prepared.tokenizer,
        label_names=tuple(examples.label_names),
        multi_label=examples.multi_label,
        base_model=prepared.located.name,
        source=prepared.located.source,
        arguments=prepared.arguments,
        best_step=state.step if kept is None else kept.step,
        total_steps=state.step,
        history=tuple(validation.history),
        validation_probabilities=probabilities(logits / temperature, examples.multi_label),
        temperature=temperature,
        seconds=state.seconds,
        device=prepared.device,
        max_length=prepared.train.max_length,
        train=len(examples.train_texts),
        validation=len(prepared.validation),
        train_truncated=prepared.train.truncated,
        validation_truncated=prepared.validation.truncated,
        versions=library_versions(),
    )
