"""A settings file may be wrong in any way: the rest of it still counts, and the mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import locations
from core.errors import SettingsError
from core.settings import Settings, check, load, save


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.toml"


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_defaults_hold_and_none_is_made(file: Path) -> None:
    assert load(file) == (Settings(), [])
    assert Settings().base_model == "auto"
    assert Settings().annotator
    assert not file.parent.exists()


def test_the_file_of_this_home_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    save({"theme": "nord"})
    assert (tmp_path / "settings.toml").exists()
    assert load()[0].theme == "nord"


def test_what_is_set_counts(file: Path) -> None:
    text = 'theme = "nord"\nannotator = "Zoë"\nbase_model = "bert"\n[keys]\n"label.skip" = "space,s"\n'
    settings, problems = load(written(file, text))
    assert problems == []
    assert settings == Settings(theme="nord", annotator="Zoë", base_model="bert", keys={"label.skip": "space,s"})


def test_what_is_no_toml_is_named_with_its_line_and_the_defaults_hold(file: Path) -> None:
    settings, (problem,) = load(written(file, 'theme = "nord"\nannotator = me\n'))
    assert settings == Settings()
    assert str(file) in problem
    assert "line 2" in problem


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("colour = 'red'", "colour"),
        ("annotator = 5", "annotator"),
        ("annotator = ''", "annotator"),
        (f"annotator = '{'x' * 61}'", "annotator"),
        ("base_model = ['a']", "base_model"),
        ("keys = 'space'", "keys"),
        ("keys = { 'label.skip' = 5 }", "keys.label.skip"),
        ('"annotator" = false', "annotator"),
        ("retrain_labels = -1", "retrain_labels"),
        ("retrain_labels = 1_000_000", "retrain_labels"),
        ("retrain_minutes = 0.5", "retrain_minutes"),
        ("quiet = 'yes'", "quiet"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_line_and_the_others_count(file: Path, line: str, key: str) -> None:
    settings, (problem,) = load(written(file, f'# mine\ntheme = "nord"\n{line}\n'))
    assert settings == Settings(theme="nord")
    assert str(file) in problem
    assert f"“{key}”" in problem
    assert "line 3, " in problem or key == "keys.label.skip"


def test_every_mistake_is_named(file: Path) -> None:
    text = 'theme = 1\nannotator = "ann"\nnonsense = 2\n[keys]\n"a.b" = "x"\n"c.d" = 7\n'
    settings, problems = load(written(file, text))
    assert settings == Settings(annotator="ann", keys={"a.b": "x"})
    assert sorted(problem.split("“")[1].split("”")[0] for problem in problems) == ["keys.c.d", "nonsense", "theme"]
    assert [part for part in ("line 1", "line 3", "line 6") if any(part in problem for problem in problems)] == [
        "line 1",
        "line 3",
        "line 6",
    ]


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    file.mkdir(parents=True)
    settings, (problem,) = load(file)
    assert settings == Settings()
    assert f"{file} cannot be read" in problem
    file.rmdir()
    file.write_bytes(b'annotator = "Zo\xeb"\n')
    settings, (problem,) = load(file)
    assert settings == Settings()
    assert f"{file} cannot be read" in problem


MINE = """\
# My settings.

theme = "nord" # easy on the eyes
annotator = "ann"

[keys]
# the thumb
"label.skip" = "space"
"""


def test_saving_keeps_comments_and_everything_else(file: Path) -> None:
    save({"theme": "gruvbox", "base_model": "bert"}, written(file, MINE))
    text = file.read_text(encoding="utf-8")
    for kept in ("# My settings.", "# easy on the eyes", "# the thumb", 'annotator = "ann"'):
        assert kept in text
    settings, problems = load(file)
    assert problems == []
    assert settings == Settings(theme="gruvbox", annotator="ann", base_model="bert", keys={"label.skip": "space"})


def test_saving_makes_the_file_and_its_folder(file: Path) -> None:
    save({"annotator": "Zoë"}, file)
    save({"theme": "nord"}, file)
    assert load(file) == (Settings(annotator="Zoë", theme="nord"), [])
    assert [one.name for one in file.parent.iterdir()] == ["settings.toml"]


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_name_is_read_back_as_it_was_saved(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any-name.toml"
    save({"annotator": name}, file)
    assert load(file) == (Settings(annotator=name), [])


@pytest.mark.parametrize("content", [b"theme = nord\n", b'annotator = "Zo\xeb"\n'])
def test_a_file_that_is_broken_is_not_written_over(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"settings\.toml cannot be changed") as caught:
        save({"theme": "nord"}, file)
    assert caught.value.remedy
    assert file.read_bytes() == content


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "in the way").touch()
    with pytest.raises(SettingsError, match="cannot be changed"):
        save({"theme": "nord"}, tmp_path / "in the way" / "settings.toml")


def test_training_by_itself_is_off_until_it_is_asked_for(file: Path) -> None:
    assert (Settings().retrain_labels, Settings().retrain_minutes, Settings().quiet) == (0, 0, False)
    save({"retrain_labels": 50, "retrain_minutes": 120, "quiet": True}, file)
    assert load(file) == (Settings(retrain_labels=50, retrain_minutes=120, quiet=True), [])


def test_a_value_is_checked_without_being_saved() -> None:
    assert check("alike", 0.9) == ""
    assert check("alike", 0.4) == "It should be greater than or equal to 0.5."
    assert check("rest_minutes", 1.5) == "It should be a valid integer."
