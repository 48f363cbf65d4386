"""The files with the result for one film: DICOM objects for the archive, and a FHIR bundle for other systems.

Command line, page, API and PACS service all create them here. highdicom and pydicom are imported when a file of their
kind is made, because serving without the extra `hospital` does not need them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import FilmError, UnsupportedDicom, UsageError
from ..inference.decision import Failure, Prediction
from ..inference.model import Model
from ..inference.predictor import Predictor
from ..inference.reading import Reading
from ..messages import message
from .dicom.options import ResultOptions

if TYPE_CHECKING:
    from pydicom import Dataset

    from .dicom.film_result import FilmResult
    from .dicom.source import SourceInstance

SR, SECONDARY_CAPTURE, PRESENTATION_STATE, PDF, FHIR = KINDS = (
    "dicom-sr",
    "secondary-capture",
    "presentation-state",
    "encapsulated-pdf",
    "fhir",
)
"""Kinds of result files, in the order in which they are made and delivered."""

DICOM_MEDIA_TYPE = "application/dicom"
FHIR_MEDIA_TYPE = "application/fhir+json"

SUFFIXES = {
    SR: ".sr.dcm",
    SECONDARY_CAPTURE: ".sc.dcm",
    PRESENTATION_STATE: ".gsps.dcm",
    PDF: ".pdf.dcm",
    FHIR: ".fhir.json",
}
"""Kind -> end of the name of its files."""

_CREATORS = {
    SR: ("structured_report", "create_structured_report"),
    SECONDARY_CAPTURE: ("secondary_capture", "create_secondary_capture"),
    PRESENTATION_STATE: ("presentation_state", "create_presentation_state"),
    PDF: ("encapsulated_pdf", "create_encapsulated_pdf"),
}
"""Kind -> module of `pneumonia.reporting.dicom` and its function that makes the object."""


@dataclass(frozen=True)
class ResultFile:
    """One file: kind, end of its name, media type and content; for DICOM the UIDs of its class and instance."""

    kind: str
    name_suffix: str
    media_type: str
    data: bytes
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None


def create_result_files(
    predictor: Predictor,
    data: bytes,
    result: Prediction | Failure,
    reading: Reading | None,
    kinds: Sequence[str],
    options: ResultOptions,
    *,
    created_at: datetime | None = None,
) -> list[ResultFile]:
    """The files of `kinds` for one film, in the order of `KINDS`.

    `data` is the file of the film as it was received. `result` is its prediction, or the failure of a film that could
    not be read; then `reading` is None. `created_at` is the time of the result, by default now. The same film, model
    and options give objects with the same UIDs.

    Raises `UsageError` for an unknown kind, or if a kind needs the extra `hospital` and it is not installed, and
    `UnsupportedDicom` if a DICOM object is requested for a film that belongs to no study: another image format, or a
    DICOM file without UIDs. A FHIR bundle can be made for every film. A film that does not state its numbers of rows
    and columns, which is an error, has no presentation state: the other files are made.
    """
    check_kinds(kinds)
    if not kinds:
        return []
    film = _film_result(predictor, data, result, reading, kinds, options, created_at)
    objects = _objects(kinds, film)
    files = [_dicom_file(kind, dataset) for kind, dataset in objects.items()]
    return [*files, _fhir_file(film, objects)] if FHIR in kinds else files


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise `UsageError` for an unknown kind, or if one needs the extra `hospital` and it is not installed."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(
            message(
                "Unknown kind of result file. Allowed: {kinds}. Received: {kind!r}.",
                kinds=", ".join(KINDS),
                kind=unknown[0],
            )
        )
    if set(kinds) - {FHIR} and not is_available():
        raise UsageError(
            message(
                "DICOM result objects need more packages. Install them: {command}.",
                command="pip install -r requirements-hospital.txt",
            )
        )


def is_available() -> bool:
    """Whether the packages that make DICOM objects are installed; does not import them."""
    return find_spec("highdicom") is not None


def _film_result(
    predictor: Predictor,
    data: bytes,
    result: Prediction | Failure,
    reading: Reading | None,
    kinds: Sequence[str],
    options: ResultOptions,
    created_at: datetime | None,
) -> FilmResult:
    from .dicom.film_result import FilmResult

    return FilmResult(
        source=_source(data, kinds, options),
        data=data,
        reading=reading,
        result=result,
        model=_model(predictor, result, reading),
        options=options,
        created_at=created_at or datetime.now().astimezone(),
    )


def _source(data: bytes, kinds: Sequence[str], options: ResultOptions) -> SourceInstance:
    """The source of the film. Without DICOM objects, it may be a file that belongs to no study."""
    from .dicom.source import SourceInstance
    from .fhir.picture_source import picture_source

    try:
        return SourceInstance.from_bytes(data)
    except FilmError:
        if set(kinds) - {FHIR}:
            raise
        return picture_source(data, options.uid_root)


def _model(predictor: Predictor, result: Prediction | Failure, reading: Reading | None) -> Model | None:
    """The model of the answer; None for an error."""
    if reading is not None:
        return predictor.model_of(reading)
    if isinstance(result, Failure):
        return None
    return next((model for model in predictor.models if model.identity == result.model), None)


def _dicom_file(kind: str, dataset: Dataset) -> ResultFile:
    class_uid, instance_uid = str(dataset.SOPClassUID), str(dataset.SOPInstanceUID)
    return ResultFile(kind, SUFFIXES[kind], DICOM_MEDIA_TYPE, _encode(dataset), class_uid, instance_uid)


def _encode(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _objects(kinds: Sequence[str], film: FilmResult) -> dict[str, Dataset]:
    """Kind -> object, for the requested kinds of DICOM objects that the film can have."""
    objects = {}
    for kind in KINDS:
        if kind in kinds and kind != FHIR:
            with suppress(UnsupportedDicom) if kind == PRESENTATION_STATE else nullcontext():
                objects[kind] = _create(kind, film)
    return objects


def _create(kind: str, film: FilmResult) -> Dataset:
    module, function = _CREATORS[kind]
    create: Callable[[FilmResult], Dataset] = getattr(import_module(f"{__package__}.dicom.{module}"), function)
    return create(film)


def _fhir_file(film: FilmResult, objects: Mapping[str, Dataset]) -> ResultFile:
    from .fhir.bundle import create_bundle, to_json

    pdf = objects[PDF].EncapsulatedDocument if PDF in objects else None
    bundle = create_bundle(film, objects.get(SR), pdf)
    return ResultFile(FHIR, SUFFIXES[FHIR], FHIR_MEDIA_TYPE, to_json(bundle))
