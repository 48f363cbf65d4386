"""The result for one film from which all of its DICOM and FHIR objects are made."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ... import __version__
from ...inference.decision import Failure, Prediction
from ...inference.model import Model
from ...inference.reading import Reading
from .options import COMPREHENSIVE, ResultOptions
from .uids import result_uid

if TYPE_CHECKING:
    from .source import SourceInstance

SERIES_ORDER = ("dicom-sr", "secondary-capture", "presentation-state", "encapsulated-pdf")
"""Kinds of DICOM objects in the order of their series numbers."""


@dataclass(frozen=True)
class FilmResult:
    """One film with its result.

    `source` describes the DICOM object, `data` is the file itself (PS3.10) or what was received in its place. `result`
    is the answer, or the error if the film could not be read or scored; then `reading` is None. `model` is that of the
    reading (`Predictor.model_of`), None for an error. `created_at` has a time zone; it is the time of all objects.
    """

    source: SourceInstance
    data: bytes = field(repr=False)
    reading: Reading | None
    result: Prediction | Failure
    model: Model | None
    options: ResultOptions
    created_at: datetime

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            raise ValueError("created_at needs a time zone")

    @property
    def prediction(self) -> Prediction | None:
        """The result unless it is an error."""
        return self.result if isinstance(self.result, Prediction) else None

    @property
    def failure(self) -> Failure | None:
        """The error, if the film could not be read or scored."""
        return self.result if isinstance(self.result, Failure) else None

    def sop_instance_uid(self, kind: str) -> str:
        """SOP Instance UID of the object of a kind, such as "dicom-sr".

        It is the same whenever the same source instance of a patient gets the same answer from the same model and
        version with the same options. Another answer has another UID.
        """
        return result_uid(self.options.uid_root, "instance", *self._identity(kind), self.source.sop_instance_uid)

    def series_instance_uid(self, kind: str) -> str:
        """Series Instance UID of the objects of a kind: one series for the films of a source series."""
        return result_uid(self.options.uid_root, "series", *self._series_identity(kind))

    def series_number(self, kind: str) -> int:
        """SeriesNumber of the objects of a kind; a kind that is not in `SERIES_ORDER` has the last one."""
        position = SERIES_ORDER.index(kind) if kind in SERIES_ORDER else len(SERIES_ORDER)
        return self.options.series_number_base + position

    @property
    def instance_number(self) -> int:
        """InstanceNumber of the objects: that of the source, so that films of one series can be told apart."""
        number = int(self.source.header.get("InstanceNumber") or 1)
        return number if number >= 1 else 1

    def _series_identity(self, kind: str) -> tuple[str | float | None, ...]:
        identity = None if self.model is None else self.model.identity
        model = (None, None) if identity is None else (identity.sha256, identity.site)
        options = (self.options.language, self.options.manufacturer, self.options.institution_name)
        source = (self.source.study_instance_uid, self.source.series_instance_uid, self._patient_id())
        return (kind, __version__, *model, *options, *source, *self._other_class(kind))

    def _other_class(self, kind: str) -> tuple[str, ...]:
        """The SOP class of the report unless it is the default: an object of another class is another instance."""
        is_default = kind != "dicom-sr" or self.options.sr_class == COMPREHENSIVE
        return () if is_default else (self.options.sr_class,)

    def _patient_id(self) -> str:
        """PatientID of the source: a film that is sent again with a corrected one keeps its own UIDs.

        With the UIDs of the first result, an archive would answer that it has the second one, under the wrong patient.
        """
        return str(self.source.header.get("PatientID") or "")

    def _identity(self, kind: str) -> tuple[str | float | None, ...]:
        return (*self._series_identity(kind), _answer(self.result))


def _answer(result: Prediction | Failure) -> str:
    """What the result says, without the file's name, the id of an internal error, and values that others imply."""
    if isinstance(result, Failure):
        return result.error.code
    values = {**result.as_dict(), "file": None}
    del values["strongest_zones"]
    return json.dumps(values, sort_keys=True, ensure_ascii=True)
