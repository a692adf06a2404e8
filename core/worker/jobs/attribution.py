"""Saying which words carried a suggestion, when somebody asks."""

from __future__ import annotations

import logging

from sqlmodel import Session

from core.errors import LabelloopError, ModelError
from core.labels import SchemeKind
from core.storage.cards import suggestions
from core.storage.database import Database, project_of
from core.storage.tables import Review, Run, RunKind
from core.training import saved
from core.training.attribution import Explainable, OfFineTuned, OfQuick, attribute
from core.training.device import Device
from core.training.quick.features import FeatureExtractor
from core.worker.events import Explained
from core.worker.jobs import Emit
from core.worker.jobs.quick.opinion import Fit
from core.worker.requests import Explain

NOTHING_SAID = "Nothing is suggested for this review, so there is nothing to explain."
NO_WORD = "No single word carried it: the suggestion stays much the same without any of them."


class Attributions:
    """Answers with the model whose suggestion is shown. A fine-tuned one is loaded when first asked, and kept."""

    def __init__(self, database: Database, extractor: FeatureExtractor, device: Device, emit: Emit) -> None:
        self._database, self._extractor, self._device, self._emit = database, extractor, device, emit
        self._loaded: tuple[int, Explainable] | None = None

    def answer(self, question: Explain, fit: Fit | None) -> None:
        """Tell the words, or why there are none; `fit` is the quick learner's."""
        try:
            self._emit(self._explained(question.review_id, fit))
        except LabelloopError as error:
            logging.info("Not explained: %s", error)
            self._emit(Explained(question.review_id, None, None, [], [], str(error)))

    def _explained(self, review_id: int, fit: Fit | None) -> Explained:
        with self._database.reading() as session:
            review = session.get(Review, review_id)
            run = _run_in_use(session)
            multi = project_of(session).kind is SchemeKind.MULTI
            said = suggestions(session, [review_id], multi).get(review_id)
            text = review.text if review is not None else ""
        if said is None or run is None or run.id is None or not text.strip():
            return Explained(review_id, None, None, [], [], NOTHING_SAID)
        best = max(said.label_ids or said.scores, key=lambda label_id: said.scores.get(label_id, 0.0))
        model, label_ids = self._model(run, fit)
        if model is None or best not in label_ids:
            return Explained(review_id, run.id, best, [], [], NOTHING_SAID)
        found = attribute(model, text, label_ids.index(best))
        words, effects = list(found.words), list(found.effects)
        return Explained(review_id, run.id, best, words, effects, "" if words else NO_WORD)

    def _model(self, run: Run, fit: Fit | None) -> tuple[Explainable | None, list[int]]:
        """What answers for a run, and the labels in the order of its answers."""
        assert run.id is not None
        if run.kind is RunKind.QUICK:
            return (None, []) if fit is None else (OfQuick(self._extractor, fit.model), fit.label_ids)
        if self._loaded is None or self._loaded[0] != run.id:
            self._loaded = None
            if not run.folder:
                raise ModelError(
                    f"Run {run.id} has no model folder any more.", "Train again, or promote another run."
                )
            self._loaded = run.id, OfFineTuned(saved.load(self._database.models / run.folder, self._device))
        return self._loaded[1], run.label_ids


def _run_in_use(session: Session) -> Run | None:
    number = project_of(session).run_in_use
    return session.get(Run, number) if number is not None else None
