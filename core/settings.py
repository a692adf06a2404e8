"""What a person has set: theme, name, training, keys. A TOML file that is edited by hand or from the app."""

from __future__ import annotations

import getpass
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import locations
from core.errors import SettingsError

DRAWN_EVERY = 10
"""One review of so many is drawn for the audit set, which nothing is trained on. At 64 labels one in five would leave
51 to train on, one in ten 57; the interval that 7 audit reviews give is useless either way, and cross-validation
stands in until there are 50. Ten more audit reviews are worth little by then, ten more training reviews much."""

HIDDEN_SHARE = 0.05
"""Share of reviews whose suggestion is held back: of 1,000 reviews 50, which tell 80 % from 90 %."""

Strategy = Literal[
    "auto", "random", "confidence", "margin", "entropy", "hybrid", "cover", "distance", "density", "disagreement"
]
"""The values of `core.queue.choice.StrategyName` but for `label`, which asks for a certain label."""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "me"


class Settings(BaseModel):
    """All settings with their defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    theme: str = "labelloop-dark"
    """Name of a theme; the command palette shows them all."""
    annotator: str = Field(default_factory=_user, min_length=1, max_length=60)
    """The name that stands in exports as who labelled, 1 to 60 characters; the login name by default."""
    base_model: str = Field(default="auto", min_length=1)
    """What is fine-tuned: `auto`, a name on the Hugging Face hub, or a folder."""
    rest_minutes: int = Field(default=45, ge=0, le=600)
    """Minutes of labelling without a break after which a rest is suggested, 0 to 600; 0 never suggests one."""
    mark_words: bool = True
    """Whether words of the keyword rule are marked in the review."""
    alike: float = Field(default=0.8, ge=0.5, le=1.0)
    """Reviews at least this similar when imported are labelled as one, 0.5 to 1.0; 1.0: only equal ones."""
    columns: str = Field(default="", max_length=1_000)
    """Names of columns of the file that are always shown below the text, with commas between, up to 1,000 letters."""
    drawn_every: int = Field(default=DRAWN_EVERY, ge=2, le=100)
    """One review of so many comes at random, 2 to 100, and measures the model; it is never trained on."""
    strategy: Strategy = "auto"
    """How the other reviews are chosen; `auto` covers what there is first, then takes where the model
    hesitates, and from 64 labels to learn from on every third one at random."""
    quick_learner: bool = True
    """Whether a quick learner suggests from the first dozen labels on, in a process beside the app."""
    features_kept: int = Field(default=100_000, ge=0, le=1_000_000)
    """Reviews whose features the quick learner keeps beside the project, 0 to 1,000,000, at about 3 KB each."""
    hidden_share: float = Field(default=HIDDEN_SHARE, ge=0.0, le=0.5)
    """Share of reviews whose suggestion is held back, 0 to 0.5, to see whether suggestions sway you; 0: none."""
    repeat_share: float = Field(default=0.02, ge=0.0, le=0.2)
    """Share of labelled reviews that silently come a second time, 0 to 0.2, to see how steady you are; 0: none."""
    retrain_labels: int = Field(default=0, ge=0, le=100_000)
    """New labels after which a training starts by itself, 0 to 100,000; 0: not by their number. Never below 20."""
    retrain_minutes: int = Field(default=0, ge=0, le=10_080)
    """Minutes after which a training starts by itself, 0 to 10,080, if there are 20 new labels; 0: not by time."""
    quiet: bool = False
    """Whether the machine is to be kept quiet: no training starts by itself then; on battery none does anyway."""
    backups: int = Field(default=7, ge=0, le=100)
    """Daily backups that are kept of each project, 0 to 100; 0: none are made. They lie in a folder beside it."""
    keys: dict[str, str] = Field(default_factory=dict)
    """Other keys for actions: `"label.skip" = "space,s"`. The help lists the actions."""
    bookmarks: dict[str, str] = Field(default_factory=dict)
    """Filters of browse by the name they were kept under: `"sure and wrong" = "state:disagreed p>=0.9"`."""

    @property
    def shown_columns(self) -> list[str]:
        """The names in `columns`."""
        return [name for part in self.columns.split(",") if (name := part.strip())]


def load(path: Path | None = None) -> tuple[Settings, list[str]]:
    """Read the settings file; what is wrong in it takes its default and is named in the list of sentences."""
    path = path or locations.settings_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings(), []
    except (OSError, UnicodeError) as error:
        return Settings(), [f"{path} cannot be read ({error}). The defaults are used."]
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Settings(), [f"{path}: {error}. The defaults are used until that is mended."]
    problems: list[str] = []
    while True:
        try:
            return Settings(**values), problems
        except ValidationError as error:
            for detail in error.errors():
                names = [str(part) for part in detail["loc"]]
                problems.append(
                    f"{path}, {_line(text, names)}“{'.'.join(names)}”: {detail['msg']}. Its default is used."
                )
                _leave_out(values, names)


def check(name: str, value: object) -> str:
    """What is wrong with a value for a setting, in a sentence; empty when it is right."""
    try:
        Settings.model_validate({name: value})
    except ValidationError as error:
        return f"{error.errors()[0]['msg']}.".replace("Input should", "It should")
    return ""


def save(changes: dict[str, Any], path: Path | None = None) -> None:
    """Write changed settings into the file, leaving everything else in it, comments included, as it was.

    Raises SettingsError when the file is not TOML or cannot be written.
    """
    # Costs the start 10 ms, and most starts change no setting.
    import tomlkit

    path = path or locations.settings_file()
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        for name, value in changes.items():
            document[name] = value
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_text(tomlkit.dumps(document), encoding="utf-8")
        draft.replace(path)
    except (OSError, UnicodeError, tomlkit.exceptions.ParseError) as error:
        raise SettingsError(f"{path} cannot be changed: {error}.", "Mend or remove that file.") from error


def _leave_out(values: dict[str, Any], names: list[str]) -> None:
    for name in names[:-1]:
        inner = values.get(name)
        if not isinstance(inner, dict):
            break
        values = inner
    else:
        values.pop(names[-1], None)
        return
    values.pop(names[0], None)


def _line(text: str, names: list[str]) -> str:
    """“line 3, ” for the line on which a key stands; empty when it cannot be told."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.split("=")[0].strip().strip("\"'[]") in (names[-1], ".".join(names)):
            return f"line {number}, "
    return ""
