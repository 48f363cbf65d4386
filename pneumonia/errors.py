"""The one error tree. Whatever derives from `PneumoniaError` is safe to show to a user.

PneumoniaError
├── FilmError            this one film cannot be read; the others can
│   ├── UnreadableImage       unreadable_image
│   ├── UnsupportedFormat     unsupported_format
│   ├── EmptyFile             empty_file
│   ├── TooLarge              too_large
│   ├── TooSmall              too_small
│   ├── UnsupportedDicom      unsupported_dicom
│   └── NoPixels              no_pixels
├── ModelError           the service cannot start with the model that was asked for
│   ├── BundleCorrupt         bundle_corrupt
│   ├── ModelNotFound         model_not_found
│   ├── RevisionNotFound      revision_not_found
│   └── HubUnreachable        hub_unreachable
├── PublishingError      the Hub was not changed as asked
│   ├── FiguresDisagree       figures_disagree
│   ├── TagTaken              tag_taken
│   ├── NotLoggedIn           hub_login
│   ├── NotAllowed            hub_forbidden
│   └── PaidPlanNeeded        hub_paid_plan
├── DatasetError         the folder of films does not have the expected layout
├── UsageError           an argument or setting is not legal
├── DiskFull             disk_full
├── Busy                 busy
└── InternalError        internal; everything that is not in this tree, shown as an id only

A message says what was wrong, what is allowed, and what was received, in this order. It never holds pixels, DICOM
tags or a path that the caller did not give.
"""

from __future__ import annotations

import logging
import uuid
from contextvars import ContextVar
from typing import ClassVar

log = logging.getLogger("pneumonia")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is at work, if there is one; an internal error then goes by it."""


class PneumoniaError(Exception):
    """Base of every error that may be shown to a user; `code` is stable, `message` is a sentence."""

    code: ClassVar[str] = "internal"

    @property
    def message(self) -> str:
        return str(self)

    def as_dict(self) -> dict[str, str]:
        """The `error` object of the API: `{"code": ..., "message": ...}`."""
        return {"code": self.code, "message": self.message}


class FilmError(PneumoniaError):
    """One film cannot be read."""


class UnreadableImage(FilmError):
    code = "unreadable_image"


class UnsupportedFormat(FilmError):
    code = "unsupported_format"


class EmptyFile(FilmError):
    code = "empty_file"


class TooLarge(FilmError):
    code = "too_large"


class TooSmall(FilmError):
    code = "too_small"


class UnsupportedDicom(FilmError):
    code = "unsupported_dicom"


class NoPixels(FilmError):
    code = "no_pixels"


class ModelError(PneumoniaError):
    """The model that was asked for cannot be had; no other model is taken in its place."""


class BundleCorrupt(ModelError):
    code = "bundle_corrupt"


class ModelNotFound(ModelError):
    code = "model_not_found"


class RevisionNotFound(ModelError):
    code = "revision_not_found"


class HubUnreachable(ModelError):
    code = "hub_unreachable"


class PublishingError(PneumoniaError):
    """The Hub was not changed as asked; what it holds is whole all the same."""


class FiguresDisagree(PublishingError):
    code = "figures_disagree"


class TagTaken(PublishingError):
    code = "tag_taken"


class NotLoggedIn(PublishingError):
    code = "hub_login"


class NotAllowed(PublishingError):
    code = "hub_forbidden"


class PaidPlanNeeded(PublishingError):
    code = "hub_paid_plan"


class DatasetError(PneumoniaError):
    code = "dataset_layout"


class UsageError(PneumoniaError):
    code = "usage"


class DiskFull(PneumoniaError):
    code = "disk_full"


class Busy(PneumoniaError):
    code = "busy"


class InternalError(PneumoniaError):
    """Stands for an error of ours. The log has the traceback under the same id; the user gets only the id."""

    code = "internal"

    @classmethod
    def from_exception(cls, error: BaseException) -> InternalError:
        """Log `error` under the request's id, or a new one, and return what may be shown in its place."""
        incident = request_id.get() or uuid.uuid4().hex[:12]
        # The exception's own text may quote the input (a DICOM tag, a file name): the log keeps where, not what.
        log.error("internal error %s: %s at %s", incident, type(error).__name__, raise_location(error))
        return cls(f"Something went wrong on our side; the film was not judged. Please report this id: {incident}.")


def raise_location(error: BaseException) -> str:
    """Where an error was raised, for the log: module and line, and nothing of what was at work there."""
    trace = error.__traceback__
    if trace is None:
        return "unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
