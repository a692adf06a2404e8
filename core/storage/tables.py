"""The tables of a project, which are its domain objects too.

Times are UTC in ISO 8601 with milliseconds, as text: they sort, and they read the same everywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON as JSON_COLUMN
from sqlalchemy import Column, Enum, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from core.labels import SchemeKind


def _stored(kind: type[StrEnum]) -> Any:
    """A column type that stores an enum's values, which are what other tools reading the file should see."""
    return Enum(kind, native_enum=False, length=16, values_callable=lambda members: [m.value for m in members])


def utc_now() -> str:
    """The present moment, UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Decision(StrEnum):
    """What a person decided about a review."""

    LABELLED = "labelled"
    """It has its label, or in a multi-label scheme its labels, possibly none."""
    SKIPPED = "skipped"
    """It was passed over for good: it is not trained on and does not come back by itself."""


class Origin(StrEnum):
    """Where an annotation comes from."""

    PERSON = "person"
    """A person pressed the label's key."""
    ACCEPTED = "accepted"
    """A person took a model's suggestion."""
    IMPORTED = "imported"
    """It stood in an imported file."""


class RunStatus(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    """Stopped because a person asked."""
    INTERRUPTED = "interrupted"
    """Its process died without a word."""
    FAILED = "failed"


class RunKind(StrEnum):
    """Which learner a run is of."""

    FINE_TUNED = "fine-tuned"
    """A training of the whole encoder: it has curves, a model folder, and an end."""
    QUICK = "quick"
    """The quick learner, a linear classifier on the frozen encoder's features. A project has one such run: it is
    fitted again after every label, its suggestions are replaced in place, and it has no model folder."""


class Project(SQLModel, table=True):
    """The one row of facts about the project as a whole."""

    id: int = Field(default=1, primary_key=True)
    name: str
    kind: SchemeKind = Field(sa_type=_stored(SchemeKind))
    salt: int
    """Seed of the random order of reviews."""
    audit_share: float
    """Share of reviews drawn for the audit set at import, 0 to 1."""
    run_in_use: int | None = None
    """The run whose suggestions are shown; none before the first training."""
    current_review: int | None = None
    """The review that was on the label screen last."""
    created_at: str


class Annotator(SQLModel, table=True):
    """A person who labels."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class Label(SQLModel, table=True):
    """A class of the scheme."""

    __table_args__: ClassVar[Any] = (
        Index("label_name_unique", "name", unique=True, sqlite_where=text("removed = 0")),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str
    key: str = ""
    colour: str
    description: str = ""
    keywords: list[str] = Field(default_factory=list, sa_column=Column(JSON_COLUMN, nullable=False))
    position: int
    archived: bool = False
    """No longer offered, but kept by the reviews that have it."""
    merged_into: int | None = Field(default=None, foreign_key="label.id")
    """The label that has its reviews since a merge; what older runs and files say of this one means that one."""
    removed: bool = False
    """Taken out by undo. The row stays, because runs and suggestions may still name it."""


class Source(SQLModel, table=True):
    """One imported file."""

    id: int | None = Field(default=None, primary_key=True)
    file_name: str
    sha256: str
    encoding: str
    delimiter: str
    columns: list[str] = Field(sa_column=Column(JSON_COLUMN, nullable=False))
    """All columns of the file, in its order."""
    text_column: str
    id_column: str | None = None
    label_column: str | None = None
    rows: int
    column_types: list[str] = Field(default_factory=list, sa_column=Column(JSON_COLUMN, nullable=False))
    """What kind of values each column had in the file, in the order of `columns`; empty where all were text."""
    format: str = "csv"
    """The format of the file, as its reader names it."""
    imported_at: str
    withdrawn: bool = False
    """The import was undone: its reviews are neither shown, trained on nor exported."""


class Review(SQLModel, table=True):
    """One text to be classified, with every column it came with."""

    __table_args__: ClassVar[Any] = (
        Index("review_by_shuffle", "shuffle"),
        Index("review_by_group", "group_id"),
        Index("review_by_digest", "digest"),
        Index("review_by_source", "source_id", "row"),
        Index("review_by_external_id", "external_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id")
    row: int
    """Row in the file, the first after the header being 1."""
    external_id: str | None = None
    """The file's own id, untouched; none when the file has no id column."""
    text: str
    fields: list[str] = Field(sa_column=Column(JSON_COLUMN, nullable=False))
    """The cells of the other columns, in the order of the source's columns without the text column."""
    digest: bytes = Field(sa_column=Column(LargeBinary(16), nullable=False))
    """First 16 bytes of the SHA-256 of the text."""
    group_id: int
    """Id of the first review with the same or nearly the same text; its own id when it is that."""
    shuffle: int
    """Place in the project's random order, 0 to 2^62; at the import the same for a whole group."""
    audit: bool
    """Drawn for the audit set: once labelled, accuracy is measured on it and nothing is trained on it."""


class Annotation(SQLModel, table=True):
    """What one annotator decided about one review. Flags and notes stand beside the decision."""

    __table_args__: ClassVar[Any] = (
        Index("annotation_by_decision", "decision", "review_id"),
        Index("annotation_by_time", "decided_at"),
        Index("annotation_flagged", "review_id", sqlite_where=text("flagged = 1")),
        Index("annotation_noted", "review_id", sqlite_where=text("note <> ''")),
    )

    review_id: int = Field(foreign_key="review.id", primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id", primary_key=True)
    decision: Decision | None = Field(default=None, sa_type=_stored(Decision))
    flagged: bool = False
    note: str = ""
    origin: Origin = Field(default=Origin.PERSON, sa_type=_stored(Origin))
    run_id: int | None = Field(default=None, foreign_key="run.id")
    """The run whose suggestion was accepted."""
    probability: float | None = None
    """The accepted suggestion's probability, 0 to 1."""
    suggestion_shown: bool | None = None
    """Whether a suggestion stood beside the review when it was decided about; none: there was no suggestion."""
    suggestion_followed: bool | None = None
    """Whether the decision is what the suggestion said, seen or not; none: there was no suggestion."""
    decided_at: str


class AnnotationLabel(SQLModel, table=True):
    """A label that an annotation gives: one row in a single-label scheme, any number in a multi-label one."""

    __tablename__: ClassVar[Any] = "annotation_label"
    __table_args__: ClassVar[Any] = (
        Index("annotation_label_by_label", "label_id", "review_id"),
        {"sqlite_with_rowid": False},
    )

    review_id: int = Field(foreign_key="review.id", primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id", primary_key=True)
    label_id: int = Field(foreign_key="label.id", primary_key=True)


class BatchState(StrEnum):
    """Where a batch stands in the history."""

    DONE = "done"
    UNDONE = "undone"
    """Undone, and can be redone."""
    DROPPED = "dropped"
    """Undone, and then something else was done: kept for the record, can no longer be redone."""


class Batch(SQLModel, table=True):
    """Changes that belong together and are undone together."""

    __table_args__: ClassVar[Any] = (Index("batch_by_state", "state", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    title: str
    """What it did, in a few words: “positive”, “import reviews.csv”."""
    annotator_id: int = Field(foreign_key="annotator.id")
    at: str
    state: BatchState = Field(default=BatchState.DONE, sa_type=_stored(BatchState))
    state_at: str
    """When it was last done, undone or dropped."""


class Subject(StrEnum):
    """What kind of thing a change changed."""

    ANNOTATION = "annotation"
    LABEL = "label"
    SOURCE = "source"
    GROUP = "group"
    """Which group a review belongs to."""
    VERDICT = "verdict"
    """What a person says of a review whose label was suspected to be wrong; the journal alone keeps it."""
    REPEAT = "repeat"
    """That a review was asked about a second time: a row of `Repeat`."""


class Change(SQLModel, table=True):
    """One entry of the journal: what was, and what is after it. Entries are never altered."""

    __table_args__: ClassVar[Any] = (
        Index("change_by_batch", "batch_id"),
        Index("change_by_subject", "subject", "subject_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = Field(foreign_key="batch.id")
    subject: Subject = Field(sa_type=_stored(Subject))
    subject_id: int
    before: dict[str, Any] | None = Field(sa_column=Column(JSON_COLUMN(none_as_null=True)))
    """None: it did not exist."""
    after: dict[str, Any] | None = Field(sa_column=Column(JSON_COLUMN(none_as_null=True)))
    """None: it no longer exists."""


class Run(SQLModel, table=True):
    """One training: its arguments, its data, its metrics, its model."""

    id: int | None = Field(default=None, primary_key=True)
    kind: RunKind = Field(default=RunKind.FINE_TUNED, sa_type=_stored(RunKind))
    status: RunStatus = Field(sa_type=_stored(RunStatus))
    base_model: str
    arguments: dict[str, Any] = Field(sa_column=Column(JSON_COLUMN, nullable=False))
    label_ids: list[int] = Field(sa_column=Column(JSON_COLUMN, nullable=False))
    """Labels in the order of the model's outputs."""
    device: str = ""
    precision: str = ""
    versions: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON_COLUMN, nullable=False))
    """Versions of the libraries it ran with."""
    annotations_digest: str = ""
    """SHA-256 over exactly which annotations it saw."""
    train_size: int = 0
    validation_size: int = 0
    metrics: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON_COLUMN, nullable=False))
    weights_sha256: str = ""
    folder: str = ""
    """Name of the model's folder inside the models folder; empty while there is none."""
    suggested: int = 0
    """Reviews it has suggested labels for; 0 until all are stored."""
    message: str = ""
    """Why it did not finish."""
    name: str = ""
    """What a person calls it."""
    note: str = ""
    removed: bool = False
    """Its model and suggestions are deleted; the record with its curves and metrics stays."""
    checkpoint: str = ""
    """Name of the checkpoint's folder inside the models folder; empty while there is none to resume from."""
    resumed_at: list[int] = Field(default_factory=list, sa_column=Column(JSON_COLUMN, nullable=False))
    """The steps at which it was taken up again after a stop."""
    in_use_since: str | None = None
    """When its suggestions were put in use last; none if they never were, or since another took their place by
    rolling back. The run with the latest time is the one in use, the one before it is what rolling back goes to."""
    started_at: str
    finished_at: str | None = None
    process_id: int
    process_started: float
    """Start of that process, seconds since 1970: an id alone may have been given to another process."""


class CurvePoint(SQLModel, table=True):
    """A point of a run's curves."""

    __tablename__: ClassVar[Any] = "curve_point"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)

    run_id: int = Field(foreign_key="run.id", primary_key=True)
    name: str = Field(primary_key=True)
    """“loss”, “validation_loss” or “validation_accuracy”."""
    step: int = Field(primary_key=True)
    value: float


class Suggestion(SQLModel, table=True):
    """What a run says about a review."""

    __table_args__: ClassVar[Any] = (
        Index("suggestion_by_label", "run_id", "label_id", "probability"),
        Index("suggestion_by_probability", "run_id", "probability"),
        {"sqlite_with_rowid": False},
    )

    run_id: int = Field(foreign_key="run.id", primary_key=True)
    review_id: int = Field(foreign_key="review.id", primary_key=True)
    label_id: int | None = Field(default=None, foreign_key="label.id")
    """The most probable label; in a multi-label scheme none when no label reaches one half."""
    probability: float
    """Calibrated probability of the most probable label."""
    scores: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Probabilities of all labels in the order of `Run.label_ids`, 32-bit floats, little-endian."""


class OutOfFold(SQLModel, table=True):
    """What cross-validation says about a training review: the answer of a model that had not seen it."""

    __tablename__: ClassVar[Any] = "out_of_fold"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)

    run_id: int = Field(foreign_key="run.id", primary_key=True)
    review_id: int = Field(foreign_key="review.id", primary_key=True)
    scores: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Probabilities of all labels in the order of `Run.label_ids`, 32-bit floats, little-endian."""


class Repeat(SQLModel, table=True):
    """A review that a person was asked about a second time without being told: how steady the person is."""

    __table_args__: ClassVar[Any] = (Index("repeat_by_review", "review_id"),)

    id: int | None = Field(default=None, primary_key=True)
    review_id: int = Field(foreign_key="review.id")
    annotator_id: int = Field(foreign_key="annotator.id")
    first: list[int] = Field(sa_column=Column(JSON_COLUMN, nullable=False))
    """Ids of the labels given the first time."""
    second: list[int] = Field(sa_column=Column(JSON_COLUMN, nullable=False))
    """Ids of the labels given the second time."""
    first_at: str
    second_at: str


class QueueReason(StrEnum):
    """Why a review comes now; the values are those of `core.queue.order.Reason`, and some more."""

    RANDOM = "random"
    """Drawn at random, to see what there is."""
    AUDIT = "audit"
    """Drawn at random for the audit set."""
    MARGIN = "margin"
    """The model hesitates between its two most probable labels."""
    CONFIDENCE = "confidence"
    """The model is least sure of what it would suggest."""
    ENTROPY = "entropy"
    """The model hesitates between many labels."""
    COVER = "cover"
    """Stands for a part of the reviews of which none is labelled yet."""
    DISTANCE = "distance"
    """Unlike everything labelled."""
    DENSITY = "density"
    """Many reviews are like it."""
    LABEL = "label"
    """Likely to have the label that was asked for."""
    RARE = "rare"
    """Likely to have a label with few examples yet."""
    DISAGREEMENT = "disagreement"
    """The learners say different things about it."""
    SIMILAR = "similar"
    """Like a review that a person chose."""
    REPEAT = "repeat"
    """Asked about a second time, to see how steady the answers are."""


class QueueEntry(SQLModel, table=True):
    """A place in the queue. After its end, reviews come in the project's random order."""

    __tablename__: ClassVar[Any] = "queue_entry"

    position: int = Field(primary_key=True)
    review_id: int = Field(foreign_key="review.id", unique=True)
    reason: QueueReason = Field(sa_type=_stored(QueueReason))
    number: float | None = None
    """The number behind the reason, as `core.queue.order.Reason` says; none where it has none."""
    label_id: int | None = Field(default=None, foreign_key="label.id")
    """The label that the reason is about, for `QueueReason.LABEL` and `QueueReason.RARE`."""
