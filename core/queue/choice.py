"""The strategies by name, for the settings and the commands."""

from __future__ import annotations

from enum import StrEnum

from core.errors import SettingsError
from core.queue.auto import Auto, DoubtAndDiversity
from core.queue.diversity import Cover, Density, Farthest
from core.queue.order import QueryStrategy
from core.queue.uncertainty import Disagreement, Entropy, LabelSearch, LeastConfidence, Margin, Random


class StrategyName(StrEnum):
    """A way of choosing which review comes next."""

    AUTO = "auto"
    """Cover the space first, then doubt with diversity."""
    RANDOM = "random"
    """In random order."""
    CONFIDENCE = "confidence"
    """The least probable suggestion first."""
    MARGIN = "margin"
    """The smallest difference between the two most probable labels first."""
    ENTROPY = "entropy"
    """The most spread probabilities first."""
    HYBRID = "hybrid"
    """Doubt with diversity from the first model on."""
    COVER = "cover"
    """What stands for most reviews that no labelled one stands for."""
    DISTANCE = "distance"
    """What is least like anything labelled."""
    DENSITY = "density"
    """Doubted reviews of which there are many alike."""
    DISAGREEMENT = "disagreement"
    """What two learners say most differently about."""
    LABEL = "label"
    """What most likely has one label, to find the rare."""


def strategy(name: str, label: int | None = None) -> QueryStrategy:
    """The strategy of this name; `label` is the column for `StrategyName.LABEL`.

    Raises SettingsError for a name that does not exist, or where the label is missing.
    """
    match name:
        case StrategyName.AUTO:
            return Auto()
        case StrategyName.RANDOM:
            return Random()
        case StrategyName.CONFIDENCE:
            return LeastConfidence()
        case StrategyName.MARGIN:
            return Margin()
        case StrategyName.ENTROPY:
            return Entropy()
        case StrategyName.HYBRID:
            return DoubtAndDiversity()
        case StrategyName.COVER:
            return Cover()
        case StrategyName.DISTANCE:
            return Farthest()
        case StrategyName.DENSITY:
            return Density()
        case StrategyName.DISAGREEMENT:
            return Disagreement()
        case StrategyName.LABEL if label is not None:
            return LabelSearch(label)
        case StrategyName.LABEL:
            raise SettingsError(
                "The strategy “label” looks for one label, and none is named.", "Name one of the labels."
            )
        case _:
            raise SettingsError(f"There is no strategy “{name}”.", f"Use one of: {', '.join(StrategyName)}.")
