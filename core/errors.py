"""What can go wrong, as sentences a person can act on.

    LabelloopError
    ├── ProjectError          a project file that cannot be opened or changed
    │   ├── NotAProject       the path is no labelloop project
    │   ├── ProjectTooNew     written by a newer version
    │   ├── ProjectBusy       another process holds the write lock for too long
    │   ├── DiskError         no room, no permission, or an error of the disk keeps the file from being used
    │   └── ProjectMoved      the file was removed or replaced while it was open
    ├── SchemeError           labels that contradict each other or do not exist
    ├── FilterError           a filter's text that cannot be understood
    ├── FileError             an input or output file that cannot be read or written
    ├── SettingsError         a settings file with a wrong key or value
    ├── ModelError            a model that cannot be had or loaded
    │   ├── BaseModelNotFound none of the places that were tried has the base model
    │   └── CheckpointError   a checkpoint that is damaged, or of another training
    ├── TrainingError         a training that cannot start or cannot go on
    │   ├── TooFewLabels      not enough annotations, or all of one class
    │   ├── LossNotFinite     the loss became NaN or infinite
    │   └── OutOfMemory       the device has no room even for one review a batch
    └── WorkerError           the background process failed

Every error carries `remedy`, what to do about it; `str(error)` is the whole sentence, remedy included.
"""

from __future__ import annotations


class LabelloopError(Exception):
    """The base of every error that a person is meant to read."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class ProjectError(LabelloopError):
    """A project file cannot be opened or changed."""


class NotAProject(ProjectError):
    """The path is missing, or is not a labelloop project."""


class ProjectTooNew(ProjectError):
    """The project was written by a newer version of labelloop."""


class ProjectBusy(ProjectError):
    """Another process has held the project's write lock for longer than the timeout."""


class DiskError(ProjectError):
    """There is no room, no permission, or the disk reports an error: the file itself may be whole."""


class ProjectMoved(ProjectError):
    """The project file was removed, renamed or replaced while it was open."""


class SchemeError(LabelloopError):
    """A label that does not exist, or labels that contradict each other."""


class FilterError(LabelloopError):
    """A filter's text cannot be understood."""


class FileError(LabelloopError):
    """An input or output file cannot be read or written."""


class SettingsError(LabelloopError):
    """The settings file has a wrong key or value."""


class ModelError(LabelloopError):
    """A model cannot be had or loaded."""


class BaseModelNotFound(ModelError):
    """The base model is in none of the places that were tried."""


class CheckpointError(ModelError):
    """A checkpoint is damaged, or of another training: it cannot be resumed."""


class TrainingError(LabelloopError):
    """A training cannot start, or cannot go on."""


class TooFewLabels(TrainingError):
    """There are too few annotations to train on, or all of them are of one class."""


class LossNotFinite(TrainingError):
    """The loss became NaN or infinite."""


class OutOfMemory(TrainingError):
    """The device has no room even for one review a batch."""


class WorkerError(LabelloopError):
    """The background process failed, or sent something that is no event."""
