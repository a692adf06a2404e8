"""What the next training is told: a preset, and what was changed in the arguments form. Kept for the session."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

PRESETS = {
    "quick": "to see within a minute or two whether there is anything to learn",
    "balanced": "what measured best for its time; the default",
    "thorough": "takes its time, for the run that is to be used",
}


@dataclass
class Plan:
    """How to train."""

    preset: str = "balanced"
    """A name of `PRESETS`."""
    changed: dict[str, Any] = field(default_factory=dict)
    """Arguments that a person has set, by name; they outrank the preset."""

    def defaults(self, base_model: str) -> dict[str, Any]:
        """Every argument as the preset has it."""
        from core.training.arguments import preset

        return asdict(preset(self.preset, base_model=base_model))

    def arguments(self, base_model: str) -> dict[str, Any]:
        """Every argument of the next training. Raises TrainingError when two of them do not go together."""
        from core.training.arguments import preset

        return asdict(preset(self.preset, **{"base_model": base_model, **self.changed}))

    @property
    def told(self) -> str:
        """In a few words: `balanced, epochs 5, seed 1`."""
        return ", ".join([self.preset, *(f"{name} {shown(value)}" for name, value in self.changed.items())])


def shown(value: object) -> str:
    """A value as people write it: none is automatic, and switches are yes and no."""
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value, "g") if isinstance(value, float) else str(value)
