"""All that changes while a model is trained, as tensors and plain facts, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from core.training.device import Device
from core.training.gradient import BatchGradient
from core.training.layers import optimiser
from core.training.order import DataOrder
from core.training.preparation import Prepared
from core.training.schedule import USUAL_BATCH, reviews_a_step
from core.training.tuned import CurvePoint
from core.training.validation import Kept, Validation

Tensors = dict[str, torch.Tensor]
Facts = dict[str, Any]

MOMENTS = ("exp_avg", "exp_avg_sq", "step")
"""What AdamW keeps of a parameter."""


@dataclass
class TrainingState:
    """The weights are in the prepared model; the rest is here.

    `tensors` and `facts` hold, between two steps, everything that decides how the training goes on. With the torch
    random state among them dropout is repeated too.
    """

    prepared: Prepared
    gradient: BatchGradient
    adam: torch.optim.AdamW
    peaks: list[float]
    """The highest learning rate of each of the optimiser's groups."""
    order: DataOrder
    validation: Validation
    step: int = 0
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last evaluation."""
    tokens: int = 0
    training_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    """Of the last evaluation."""
    seconds: float = 0.0
    """That passed before this process took the training up."""

    @classmethod
    def first(cls, prepared: Prepared, halved: Callable[[int], None]) -> TrainingState:
        """The state before the first step; `halved` is told when fewer reviews are computed at a time."""
        arguments, device = prepared.arguments, prepared.device
        a_step = reviews_a_step(arguments)
        automatic = a_step if device.kind == "cuda" else USUAL_BATCH
        gradient = BatchGradient(
            prepared.computed.model,
            prepared.pad_token,
            device,
            prepared.examples.multi_label,
            arguments.label_smoothing,
            at_once=arguments.batch_size or automatic,
            halved=halved,
            class_weights=prepared.class_weights,
        )
        adam = optimiser(prepared.model, arguments, prepared.few)
        lengths = [len(prepared.train.ids[place]) for place in prepared.places]
        return cls(
            prepared,
            gradient,
            adam,
            [group["lr"] for group in adam.param_groups],
            DataOrder(lengths, a_step, arguments.seed),
            prepared.empty_validation(),
        )

    def tensors(self) -> Tensors:
        """Trained weights, AdamW's state, kept best weights, random states; as they are, not copied."""
        found: Tensors = {"random.order": self.order.epoch_state, **_random_states(self.prepared.device)}
        for name, parameter in self._trained():
            found[f"weights.{name}"] = parameter.detach()
            for moment, value in self.adam.state.get(parameter, {}).items():
                found[f"{moment}.{name}"] = value
        kept = self.validation.kept
        if kept is not None:
            found["kept_logits"] = torch.from_numpy(kept.logits)
            found |= {f"kept.{name}": weights for name, weights in kept.weights.items()}
        return found

    def facts(self) -> Facts:
        """Everything else, in plain data."""
        kept = self.validation.kept
        return {
            "step": self.step,
            "place": self.order.place,
            "at_once": self.gradient.at_once,
            "losses": list(self.losses),
            "history": [asdict(point) for point in self.validation.history],
            "kept": None if kept is None else {"step": kept.step, "evaluation": kept.evaluation},
            "tokens": self.tokens,
            "training_seconds": self.training_seconds,
            "evaluation_seconds": self.evaluation_seconds,
            "seconds": self.seconds,
        }

    def restore(self, tensors: Tensors, facts: Facts) -> None:
        """Go back to what `tensors` and `facts` held; raises `KeyError`, `ValueError`, `RuntimeError` for others'."""
        for name, parameter in self._trained():
            with torch.no_grad():
                parameter.copy_(tensors[f"weights.{name}"])
            if facts["step"]:
                self.adam.state[parameter] = {
                    moment: tensors[f"{moment}.{name}"].to(parameter.device, copy=True) for moment in MOMENTS
                }
        self.order.restore(tensors["random.order"], facts["place"])
        self.validation.history = [CurvePoint(**point) for point in facts["history"]]
        if facts["kept"] is not None:
            weights = {name: tensors[f"kept.{name}"] for name, _ in self._trained()}
            self.validation.kept = Kept(logits=tensors["kept_logits"].numpy(), weights=weights, **facts["kept"])
        self.gradient.at_once = facts["at_once"]
        self.step, self.losses, self.tokens = facts["step"], facts["losses"], facts["tokens"]
        self.training_seconds, self.evaluation_seconds = facts["training_seconds"], facts["evaluation_seconds"]
        self.seconds = facts["seconds"]
        _set_random_states(self.prepared.device, tensors)

    @property
    def is_evaluated(self) -> bool:
        """Whether the evaluation that follows this step, if one does, is in the history."""
        return bool(self.validation.history) and self.validation.history[-1].step == self.step

    def _trained(self) -> list[tuple[str, torch.nn.Parameter]]:
        return [(name, one) for name, one in self.prepared.model.named_parameters() if one.requires_grad]


def _random_states(device: Device) -> Tensors:
    states = {"random.torch": torch.random.get_rng_state()}
    if device.kind == "cuda":
        states["random.cuda"] = torch.cuda.get_rng_state()
    elif device.kind == "mps":
        states["random.mps"] = torch.mps.get_rng_state()
    return states


def _set_random_states(device: Device, tensors: Tensors) -> None:
    torch.random.set_rng_state(tensors["random.torch"])
    if device.kind == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"])
    elif device.kind == "mps":
        torch.mps.set_rng_state(tensors["random.mps"])
