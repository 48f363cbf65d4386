"""`FilmResult`s of real answers, from which result objects are made."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from pydicom import Dataset

from pneumonia import Predictor
from pneumonia.inference.decision import DEFAULT_POINT, Failure
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.source import SourceInstance

CREATED_AT = datetime(2026, 11, 26, 14, 5, 6, tzinfo=UTC)


def film_result(
    predictor: Predictor,
    data: bytes,
    *,
    operating_point: str = DEFAULT_POINT,
    prevalence: float | None = None,
    age: float | None = None,
    options: ResultOptions | None = None,
    failure: Failure | None = None,
) -> FilmResult:
    """The result of a DICOM file; `failure` takes the place of the answer."""
    source, options = SourceInstance.from_bytes(data), options or ResultOptions()
    if failure is not None:
        return FilmResult(source, data, None, failure, None, options, CREATED_AT)
    reading = predictor.read(data, age)
    result = predictor.decide(reading, operating_point, file="film.dcm", prevalence=prevalence)
    return FilmResult(source, data, reading, result, predictor.model_of(reading), options, CREATED_AT)


def encode(dataset: Dataset) -> bytes:
    """The object as a file (PS3.10)."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
