"""What a person asks of a rehearsal, checked before anything is started. Imported by the screen's process."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from core.errors import SettingsError, TrainingError
from core.queue.choice import StrategyName
from core.worker.requests import TRAINER

STRATEGIES = tuple(name.value for name in StrategyName if name is not StrategyName.LABEL)
"""Those that a rehearsal can follow: which label to look for only a person can say."""

RANDOM = StrategyName.RANDOM.value

FEWEST, MOST = 4, 5_000
"""Labels of a budget; a session looks at 5,000 reviews."""

MOST_SEEDS = 100


def budgets(written: str) -> list[int]:
    """Numbers of labels from “64,256,1024”, ascending, each once. Raises SettingsError."""
    try:
        found = sorted({int(part.replace("_", "")) for part in written.split(",") if part.strip()})
    except ValueError:
        found = []
    if not found or found[0] < FEWEST or found[-1] > MOST:
        raise SettingsError(
            f"“{written}” are no numbers of labels.",
            f"Write whole numbers from {FEWEST} to {MOST:,} with commas between them, as 64,256,1024.",
        )
    return found


def methods(strategy: str, against: Sequence[str]) -> list[str]:
    """The methods that are compared with the strategy, each once.

    Raises SettingsError for an unknown name, and TrainingError for the plain Trainer where it cannot run.
    """
    if strategy not in STRATEGIES:
        raise SettingsError(f"There is no strategy “{strategy}”.", f"Use one of: {', '.join(STRATEGIES)}.")
    for name in against:
        if name not in (*STRATEGIES, TRAINER):
            raise SettingsError(
                f"Nothing called “{name}” can be compared with.", f"Use {TRAINER}, or of: {', '.join(STRATEGIES)}."
            )
    if TRAINER in against and not has_trainer():
        raise TrainingError(
            "The Hugging Face Trainer cannot run: accelerate is not installed.",
            "Install it with: pip install “labelloop[bench]”. Or leave “trainer” out.",
        )
    return [name for name in dict.fromkeys(against) if name != strategy]


def has_trainer() -> bool:
    """Whether the Hugging Face Trainer can run."""
    return find_spec("accelerate") is not None


def nothing_named() -> SettingsError:
    """The error for a rehearsal on nothing."""
    return SettingsError("No file is named.", "Write the path of a file with labelled reviews.")


def seeds(written: int | str) -> int:
    """The number of seeds. Raises SettingsError."""
    try:
        number = int(written)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_SEEDS:
        raise SettingsError(f"“{written}” is no number of seeds.", f"Use 1 to {MOST_SEEDS}.")
    return number
