"""From the last step to the model that is returned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.training.classifier import fold_temperature
from core.training.inference import batched_logits
from core.training.preparation import Prepared, kept_back
from core.training.progress import Calibrated
from core.training.state import TrainingState
from core.training.temperature import fit_temperature, loss, probabilities
from core.training.tuned import FineTuned, library_versions


def finish(prepared: Prepared, state: TrainingState, report: Callable[[Calibrated], None]) -> FineTuned:
    """Go back to the best weights, fit the temperature and fold it in."""
    validation = state.validation
    model, examples, kept = prepared.model, prepared.examples, validation.kept
    logits = np.zeros((0, len(examples.label_names)), dtype=np.float32)
    if kept is not None:
        model.load_state_dict(kept.weights, strict=False)
        logits = kept.logits
    model.requires_grad_(True).eval()
    unlearned, taught = _unlearned(prepared) if not len(logits) else (logits, None)
    model.cpu()
    divergence = None
    if taught is None:
        temperature = fit_temperature(logits, validation.targets)
    else:  # as sure as its teacher, who is calibrated
        temperature = fit_temperature(unlearned, taught, probabilities=not examples.multi_label)
        divergence = _divergence(taught, unlearned / temperature, examples.multi_label)
    fold_temperature(model, temperature)
    if len(logits):
        before, after = (loss(logits / by, validation.targets) for by in (1.0, temperature))
        report(Calibrated(temperature, validation_loss_before=before, validation_loss_after=after))
    return _tuned(prepared, state, logits, temperature, divergence)


def _unlearned(prepared: Prepared) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """The model's logits for the pool reviews that were kept back, and what its teacher says of them."""
    examples = prepared.examples
    count = 0 if examples.pool_targets is None else kept_back(len(examples.pool_targets))
    ids = prepared.train.ids[-count:] if count else []
    logits = np.zeros((count, len(examples.label_names)), dtype=np.float32)
    for places, batch in batched_logits(prepared.model, ids, prepared.pad_token, prepared.device):
        logits[places] = batch
    return logits, examples.pool_targets[-count:] if count and examples.pool_targets is not None else None


def _divergence(taught: NDArray[np.float32], logits: NDArray[np.float32], multi_label: bool) -> float:
    """The Kullback-Leibler divergence of a model from its teacher, nats a review (multi-label: and label)."""
    sure = np.clip(taught.astype(np.float64), 1e-6, 1 - 1e-6)
    own = np.log(sure) - (np.log(1 - sure) if multi_label else 0.0)
    teachers, models = (loss(said, taught, probabilities=not multi_label) for said in (own, logits))
    return models - teachers


def _tuned(
    prepared: Prepared,
    state: TrainingState,
    logits: NDArray[np.float32],
    temperature: float,
    divergence: float | None,
) -> FineTuned:
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
        divergence=divergence,
        seconds=state.seconds,
        device=prepared.device,
        max_length=prepared.train.max_length,
        train=len(examples.train_texts),
        validation=len(prepared.validation),
        train_truncated=prepared.train.truncated,
        validation_truncated=prepared.validation.truncated,
        versions=library_versions(),
    )
