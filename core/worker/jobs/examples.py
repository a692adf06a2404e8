"""The annotations of a project as a training takes them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from core.labels import SchemeKind
from core.storage import learning, scheme
from core.storage.database import project_of
from core.training.arguments import TrainingArguments
from core.training.examples import Target, TrainingSet, split


@dataclass(frozen=True)
class Labelled:
    """Every review that can be trained on, in the order of the reviews."""

    review_ids: list[int]
    texts: list[str]
    targets: list[Target]
    """Positions of labels in `label_ids`."""
    label_ids: list[int]
    label_names: list[str]
    multi: bool
    digest: str
    """SHA-256 over the annotations it was made from."""

    def split(self, arguments: TrainingArguments) -> TrainingSet:
        """Training and validation reviews. Raises TooFewLabels."""
        return split(
            self.texts,
            self.targets,
            self.label_names,
            validation_share=arguments.validation_share,
            seed=arguments.seed,
            multi_label=self.multi,
        )


def labelled(session: Session) -> Labelled:
    """What there is to train on: not the audit set, and in a single-label scheme nothing whose label is archived."""
    found = learning.examples(session, audit=False)
    labels = [(label.id, label.name) for label in scheme.labels(session) if label.id is not None]
    multi = project_of(session).kind is SchemeKind.MULTI
    position = {label_id: index for index, (label_id, _) in enumerate(labels)}
    review_ids: list[int] = []
    texts: list[str] = []
    targets: list[Target] = []
    for example in found:
        known = tuple(position[label_id] for label_id in example.label_ids if label_id in position)
        if multi or known:
            review_ids.append(example.review_id)
            texts.append(example.text)
            targets.append(known if multi else known[0])
    return Labelled(
        review_ids=review_ids,
        texts=texts,
        targets=targets,
        label_ids=[label_id for label_id, _ in labels],
        label_names=[name for _, name in labels],
        multi=multi,
        digest=learning.digest(found),
    )
