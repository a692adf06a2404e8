"""Why a fine-tuned model suggests what it does: the saved model is loaded when somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlmodel import select

from core.storage.database import Database
from core.storage.tables import Review, Suggestion
from core.training.base_model import locate
from core.training.device import choose_device
from core.training.quick.features import FeatureExtractor
from core.worker.events import Event, Explained
from core.worker.jobs.attribution import Attributions
from core.worker.jobs.train import train
from core.worker.requests import Explain, Train


def test_a_fine_tuned_models_words_are_told_and_a_lost_folder_is_said(
    labelled_project: Database, training: Callable[..., Train], tiny_base: Path
) -> None:
    told: list[Event] = []
    train(labelled_project, training(labelled_project, epochs=12), told.append, lambda: False, "")
    device = choose_device("cpu")
    extractor = FeatureExtractor(locate(str(tiny_base), has_gpu=False), device)
    with labelled_project.reading() as session:
        asked = session.exec(select(Suggestion)).first()
        assert asked is not None
        review = session.get(Review, asked.review_id)
        assert review is not None
    told.clear()
    attributions = Attributions(labelled_project, extractor, device, told.append)
    attributions.answer(Explain(asked.review_id), None)
    (found,) = told
    assert isinstance(found, Explained)
    assert (found.run_id, found.label_id) == (asked.run_id, asked.label_id)
    assert found.words or found.message
    assert set(found.words) <= set(review.text.casefold().split())
    for file in labelled_project.models.glob("*/model.safetensors"):
        file.unlink()
    Attributions(labelled_project, extractor, device, told.append).answer(Explain(asked.review_id), None)
    lost = told[-1]
    assert isinstance(lost, Explained)
    assert not lost.words
    assert "model.safetensors" in lost.message
