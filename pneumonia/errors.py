"""The error classes of the package. Every message of a `PneumoniaError` is safe to show to a user.

PneumoniaError
├── FilmError            a film cannot be read; other films are not affected
│   ├── UnreadableImage       unreadable_image    the file cannot be opened or is damaged
│   ├── UnsupportedFormat     unsupported_format  not one of the image formats that are read
│   ├── EmptyFile             empty_file          no bytes, or a ZIP without files
│   ├── TooLarge              too_large           above the limit on bytes, pixels, parts or files
│   ├── TooSmall              too_small           the short side has too few pixels
│   ├── UnsupportedDicom      unsupported_dicom   a modality, compression or pixel format that is not read
│   └── NoPixels              no_pixels           a DICOM file without an image
├── ModelError           the requested model cannot be loaded
│   ├── BundleCorrupt         bundle_corrupt      a file of the model is missing, damaged or invalid
│   ├── ModelNotFound         model_not_found     no such folder or repository
│   ├── RevisionNotFound      revision_not_found  the repository has no such branch, tag or commit
│   ├── HubUnreachable        hub_unreachable     no usable response from the Hub
│   ├── SiteCorrupt           site_corrupt        the site file is missing, damaged or invalid
│   └── SiteMismatch          site_mismatch       the site file was measured with another model
├── PublishingError      the requested change to the Hub was not made
│   ├── FiguresDisagree       figures_disagree    published figures and the model's files do not agree
│   ├── TagTaken              tag_taken           the tag exists with other content
│   ├── NotLoggedIn           hub_login           no token, or an invalid one
│   ├── NotAllowed            hub_forbidden       the token has no write access
│   └── PaidPlanNeeded        hub_paid_plan       the Hub requires a paid plan
├── DatasetError         dataset_layout; the data folder does not have the expected layout
├── UsageError           usage; an argument or setting is invalid
├── DiskFull             disk_full; the disk or the quota of the user is full
├── Busy                 busy; try again later
├── Unauthorized         unauthorized; a call of the REST API without a valid token or login
└── InternalError        internal; any other exception, shown as an id only

The identifier after a class name is its code, which is stable. A message states what is wrong, what is allowed and what
was received, in this order. It never contains pixels, DICOM tags or a path that the caller did not pass.
"""

from __future__ import annotations

import logging
import traceback
import uuid
from contextvars import ContextVar
from pathlib import PurePath
from types import FrameType
from typing import ClassVar

from .messages import Message, message

log = logging.getLogger("pneumonia")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the current HTTP request; empty outside a request. An internal error during a request is logged under it."""


class PneumoniaError(Exception):
    """Base class of all errors that may be shown to a user; `code` is stable, `message` is a sentence."""

    code: ClassVar[str] = "internal"

    @property
    def message(self) -> str:
        """The sentence in English, as a `Message` that can be translated if it was raised with one."""
        is_message = self.args and isinstance(self.args[0], Message)
        return self.args[0] if is_message else str(self)

    def as_dict(self) -> dict[str, str]:
        """The `error` object of the API: `{"code": ..., "message": ...}`."""
        return {"code": self.code, "message": str(self)}


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


class SiteCorrupt(ModelError):
    code = "site_corrupt"


class SiteMismatch(ModelError):
    code = "site_mismatch"


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


class Unauthorized(PneumoniaError):
    code = "unauthorized"


class InternalError(PneumoniaError):
    """Replaces an unexpected exception.

    The message contains an id only; under this id the log contains the type and the traceback of the exception.
    """

    code = "internal"

    @classmethod
    def from_exception(cls, error: BaseException) -> InternalError:
        """Log `error` under the id of the request, or a new id outside a request; returns the error for the user."""
        incident = request_id.get() or uuid.uuid4().hex[:12]
        # The exception's text may quote the input (a DICOM tag, a file name), so only types and locations are logged.
        log.error("internal error %s: %s", incident, traceback_text(error))
        return cls(
            message("Internal error; the film was not scored. Please report this id: {incident}.", incident=incident)
        )


def traceback_text(error: BaseException) -> str:
    """The traceback of `error` and of its causes in one line, without messages, source lines and values.

    `KeyError at app.py:40 main; pneumonia/imaging/reader.py:63 read`: file, line and function of every frame, the
    outermost first. Paths start at the package, since the folder above it may contain the name of a user.
    """
    parts = [_describe(error)]
    described = {id(error)}
    while (cause := _cause(error)) is not None and id(cause) not in described:
        parts.append(f"caused by {_describe(cause)}")
        described.add(id(cause))
        error = cause
    return " | ".join(parts)


def _describe(error: BaseException) -> str:
    frames = "; ".join(_location(frame, line) for frame, line in traceback.walk_tb(error.__traceback__))
    return f"{type(error).__name__} at {frames or 'unknown location'}"


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _location(frame: FrameType, line: int) -> str:
    path = PurePath(frame.f_code.co_filename)
    depth = str(frame.f_globals.get("__name__", "")).count(".") + 1 + (path.name == "__init__.py")
    return f"{'/'.join(path.parts[-depth:])}:{line} {frame.f_code.co_name}"
