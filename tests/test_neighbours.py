"""The nearest labelled reviews, read from the features that the quick learner keeps, while it may be adding some."""

from __future__ import annotations

import numpy as np
import pytest
from sqlmodel import select

from core.neighbours import LabelledNeighbours
from core.storage import decisions, feature_cache
from core.storage.database import Database, annotator_id
from core.storage.feature_cache import FeatureCache
from core.storage.pool import text_digest
from core.storage.states import labelled
from core.storage.tables import Review
from tests.conftest import MakeProject, learnable

LABELLED = range(1, 31)


@pytest.fixture
def database(project: MakeProject) -> Database:
    """Thirty labelled reviews of forty."""
    made = project(reviews=[text for text, _ in learnable(40)])
    with made.writing() as session:
        who = annotator_id(session, "ann")
        decisions.decide(session, who, "by hand", {one: labelled(who, [1 + one % 2]) for one in LABELLED})
    return made


def keep_features(database: Database) -> FeatureCache:
    """Reviews of one label lie on one side; the last column, an opinion, would say otherwise."""
    with database.reading() as session:
        everything = list(session.exec(select(Review)))
    features = np.random.default_rng(0).normal(size=(len(everything), 9))
    features[:, 0] += [9 if (one.id or 0) % 2 else -9 for one in everything]
    features[:, -1] = np.random.default_rng(1).choice([-90, 90], len(everything))
    cache = FeatureCache(database.models / feature_cache.FOLDER, "k", 9, 1_000)
    cache.add([text_digest(one.text) for one in everything], features.astype(np.float16))
    return cache


def test_the_nearest_have_the_same_label_and_are_labelled_and_others(database: Database) -> None:
    cache = keep_features(database)
    near = LabelledNeighbours(database).nearest(3, 5)
    cache.close()
    assert len(near) == 5
    assert all(one in LABELLED and one % 2 == 1 and one != 3 for one, _ in near)
    similarities = [similarity for _, similarity in near]
    assert similarities == sorted(similarities, reverse=True)
    assert all(-1 <= one <= 1.0001 for one in similarities)


def test_without_features_there_are_none(database: Database) -> None:
    assert LabelledNeighbours(database).nearest(3, 5) == []
    keep_features(database).close()
    assert LabelledNeighbours(database).nearest(39, 5) == []


def test_a_damaged_file_is_no_reason_to_fail(database: Database) -> None:
    keep_features(database).close()
    index = next((database.models / feature_cache.FOLDER).glob("*.index"))
    index.write_bytes(b"nothing of the kind")
    assert LabelledNeighbours(database).nearest(3, 5) == []
