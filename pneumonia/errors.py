"""The error classes of the package. Every message of a `PneumoniaError` is safe to show to a user.

PneumoniaError
├── FilmError            a film cannot be read; other films are not affected
│   ├── UnreadableImage       unreadable_image
│   ├── UnsupportedFormat     unsupported_format
│   ├── EmptyFile             empty_file
│   ├── TooLarge              too_large
│   ├── TooSmall              too_small
│   ├── UnsupportedDicom      unsupported_dicom
│   └── NoPixels              no_pixels
├── ModelError           the requested model cannot be loaded
│   ├── BundleCorrupt         bundle_corrupt
│   ├── ModelNotFound         model_not_found
│   ├── RevisionNotFound      revision_not_found
│   └── HubUnreachable        hub_unreachable
├── PublishingError      the requested change to the Hub was not made
│   ├── FiguresDisagree       figures_disagree
│   ├── TagTaken              tag_taken
│   ├── NotLoggedIn           hub_login
│   ├── NotAllowed            hub_forbidden
│   └── PaidPlanNeeded        hub_paid_plan
├── DatasetError         dataset_layout; the data folder does not have the expected layout
├── UsageError           usage; an argument or setting is invalid
├── DiskFull             disk_full; the disk or the quota of the user is full
├── Busy                 busy; try again later
└── InternalError        internal; any other exception, shown as an id only

The identifier after a class name is its code, which is stable. A message states what is wrong, what is allowed and what
was received, in this order. It never contains pixels, DICOM tags or a path that the caller did not pass.
"""

from __future__ import annotations

import logging
import uuid
from contextvars import ContextVar
from typing import ClassVar

log = logging.getLogger("pneumonia")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the current HTTP request, empty outside of one; it is also the id of an internal error."""


class PneumoniaError(Exception):
    """Base class of all errors that may be shown to a user; `code` is stable, `message` is a sentence."""

    code: ClassVar[str] = "internal"

    @property
    def message(self) -> str:
        return str(self)

    def as_dict(self) -> dict[str, str]:
        """The `error` object of the API: `{"code": ..., "message": ...}`."""
        return {"code": self.code, "message": self.message}


class FilmError(PneumoniaError):
    """A film cannot be read."""


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
    """The requested model cannot be loaded; no other model is used instead."""


class BundleCorrupt(ModelError):
    code = "bundle_corrupt"


class ModelNotFound(ModelError):
    code = "model_not_found"


class RevisionNotFound(ModelError):
    code = "revision_not_found"


class HubUnreachable(ModelError):
    code = "hub_unreachable"


class PublishingError(PneumoniaError):
    """The requested change to the Hub was not made; its contents are still consistent."""


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
    """Replaces an unexpected exception. Log and message share an id; the log has the exception's type and location."""

    code = "internal"

    @classmethod
    def from_exception(cls, error: BaseException) -> InternalError:
        """Log `error` under the id of the request, or a new one, and return the error to show to the user."""
        incident = request_id.get() or uuid.uuid4().hex[:12]
        # The exception's text may quote the input (a DICOM tag, a file name), so only type and location are logged.
        log.error("internal error %s: %s at %s", incident, type(error).__name__, raise_location(error))
        return cls(f"Internal error; the film was not scored. Please report this id: {incident}.")


def raise_location(error: BaseException) -> str:
    """`module:line` at which `error` was raised; contains no data of the input."""
    trace = error.__traceback__
    if trace is None:
        return "unknown location"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
