"""Films of all kinds with their results, from which result objects are made: a corpus for validators.

It covers labels, operating points, reasons for Unknown, errors, languages, encodings of the pixels, character sets,
classes, and attributes that are missing or malformed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.data import get_testdata_files

from pneumonia import Predictor
from pneumonia.errors import (
    Busy,
    InternalError,
    NoPixels,
    PneumoniaError,
    TooLarge,
    TooSmall,
    UnreadableImage,
    UnsupportedDicom,
)
from pneumonia.inference.decision import REASONS, UNKNOWN, Failure, Reason
from pneumonia.languages import LANGUAGES
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from tests.support import dicom_bytes
from tests.support.character_set_samples import DECLARED, FAULTS
from tests.support.dicom_encodings import encodings
from tests.support.dicom_files import dicom
from tests.support.film_results import film_result
from tests.support.invalid_attributes import INVALID
from tests.support.source_films import HOSPITAL, average, hospital_film

ERRORS: tuple[PneumoniaError, ...] = (
    UnreadableImage("The DICOM image is damaged."),
    UnsupportedDicom("The compression of the DICOM file is not supported."),
    NoPixels("The DICOM file contains no image."),
    TooLarge("The image is too large."),
    TooSmall("The image is too small."),
    Busy("The service is busy."),
    InternalError("Internal error; please report this id: 0123456789ab."),
)
IMAGE_CLASSES = {
    "computed radiography": "1.2.840.10008.5.1.4.1.1.1",
    "digital, for processing": "1.2.840.10008.5.1.4.1.1.1.1.1",
    "mammography": "1.2.840.10008.5.1.4.1.1.1.2",
    "secondary capture": "1.2.840.10008.5.1.4.1.1.7",
    "secondary capture, grey words": "1.2.840.10008.5.1.4.1.1.7.3",
    "angiography": "1.2.840.10008.5.1.4.1.1.12.1",
    "radiofluoroscopy": "1.2.840.10008.5.1.4.1.1.12.2",
    "retired": "1.2.840.10008.5.1.1.29",
    "private": "1.2.840.113619.4.26",
}
MISSING = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientAge", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName", "Modality", "SeriesNumber", "InstanceNumber", "BodyPartExamined"),
    *("ViewPosition", "PatientOrientation", "Manufacturer", "PixelSpacing", "SamplesPerPixel", "HighBit"),
)
GEOMETRY: dict[str, dict[str, Any]] = {
    "distance at the detector": {"ImagerPixelSpacing": [0.2, 0.2]},
    "calibrated": {
        "PixelSpacing": [0.18, 0.18],
        "PixelSpacingCalibrationType": "GEOMETRY",
        "PixelSpacingCalibrationDescription": "SID 180 cm",
    },
    "scanned": {"PixelSpacing": None, "NominalScannedPixelSpacing": [0.1, 0.1]},
    "oblong pixels": {"PixelSpacing": [0.3, 0.2]},
    "aspect ratio": {"PixelSpacing": None, "PixelAspectRatio": [3, 2]},
    "a paired part": {"BodyPartExamined": "HAND"},
    "a side": {"BodyPartExamined": "SHOULDER", "Laterality": "L"},
    "side of the image": {"ImageLaterality": "U"},
    "lossy before": {"LossyImageCompression": "01", "LossyImageCompressionRatio": 12},
    "lossy, without ratio": {"LossyImageCompression": "01"},
}


@dataclass(frozen=True)
class CorpusFilm:
    """One film of the corpus: its group, its name, and its result."""

    group: str
    name: str
    film: FilmResult


def corpus(predictor: Predictor, every: int = 1) -> Iterator[CorpusFilm]:
    """The films in a stable order; of each group the first one and each `every`-th behind it."""
    results: dict[str, Iterator[tuple[str, FilmResult]]] = {
        "labels, operating points, prevalence": _answers(predictor),
        "reasons for Unknown": _reasons(predictor),
        "errors": _errors(predictor),
        "languages": _languages(predictor),
    }
    for group, films in results.items():
        yield from (CorpusFilm(group, name, film) for name, film in islice(films, 0, None, every))
    sources: dict[str, Callable[[], Iterable[tuple[str, bytes]]]] = {
        "encodings of the pixels": lambda: encodings(**HOSPITAL).items(),
        "colour, frames, classes": _kinds,
        "character sets": _character_sets,
        "missing attributes": _missing,
        "malformed attributes": _malformed,
        "geometry and compression": lambda: ((name, hospital_film(**tags)) for name, tags in GEOMETRY.items()),
        "files of pydicom": _pydicom_files,
    }
    for group, files in sources.items():
        for name, data in islice(files(), 0, None, every):
            film = _film_or_none(predictor, data)
            if film is not None:
                yield CorpusFilm(group, name, film)


def _answers(predictor: Predictor) -> Iterator[tuple[str, FilmResult]]:
    for population in ("children", "adults"):
        for label in ("Normal", "Pneumonia"):
            data = hospital_film(label, population, bits=12)
            for point in ("screening", "balanced", "confirm"):
                prevalence = {"screening": None, "balanced": 0.001, "confirm": 0.9}[point]
                film = film_result(predictor, data, operating_point=point, prevalence=prevalence)
                yield f"{population} {label} {point}", film


def _reasons(predictor: Predictor) -> Iterator[tuple[str, FilmResult]]:
    scored = film_result(predictor, hospital_film())
    assert scored.prediction is not None and scored.reading is not None
    for code in REASONS:
        if code == "inconclusive":
            prediction = replace(scored.prediction, label=UNKNOWN, reason=Reason(code), predictive_value=None)
            yield code, replace(scored, result=prediction)
            continue
        prediction = replace(
            scored.prediction,
            label=UNKNOWN,
            reason=Reason(code),
            probability=None,
            zones=None,
            population=None,
            prevalence=None,
            probability_at_prevalence=None,
            predictive_value=None,
        )
        reading = replace(scored.reading, refusal=Reason(code), probability=None, activation=None, lung_field=None)
        yield code, replace(scored, result=prediction, reading=reading)
    yield "lateral", film_result(predictor, hospital_film(ViewPosition="LL"))
    yield "hand", film_result(predictor, hospital_film(BodyPartExamined="HAND"))
    blank = dicom(np.full((300, 300), 128, np.uint8), **HOSPITAL)
    yield "blank", film_result(predictor, blank)


def _errors(predictor: Predictor) -> Iterator[tuple[str, FilmResult]]:
    for error in ERRORS:
        yield error.code, film_result(predictor, hospital_film(), failure=Failure("film.dcm", error))
    small = dicom(average("Normal")[:50, :60], **HOSPITAL)
    yield "a small film", film_result(predictor, small, failure=Failure("film.dcm", TooSmall("Too small.")))
    without_size = hospital_film(Rows=None, Columns=None)
    yield "no size", film_result(predictor, without_size, failure=Failure("film.dcm", ERRORS[0]))


def _languages(predictor: Predictor) -> Iterator[tuple[str, FilmResult]]:
    for language in LANGUAGES:
        options = ResultOptions(
            uid_root="1.2.826.0.1.3680043.10.999",
            language=language,
            institution_name="Hôpital général 医院",
            station_name="AI-1",
        )
        for name, data in (("Pneumonia", hospital_film()), ("refused", hospital_film(ViewPosition="LL"))):
            yield f"{language} {name}", film_result(predictor, data, options=options)
        yield (
            f"{language} error",
            film_result(predictor, hospital_film(), options=options, failure=Failure("film.dcm", ERRORS[0])),
        )


def _kinds() -> Iterator[tuple[str, bytes]]:
    grey = average("Pneumonia")
    rgb = np.repeat(grey[..., None], 3, axis=2).tobytes()
    colour = {**HOSPITAL, "SamplesPerPixel": 3, "PlanarConfiguration": 0, "PixelData": rgb}
    yield "rgb", dicom(grey, **{**colour, "PhotometricInterpretation": "RGB"})
    yield (
        "frames",
        dicom(np.stack([grey] * 3), **{**HOSPITAL, "NumberOfFrames": 3, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2"}),
    )
    yield "monochrome1", hospital_film(bits=12, PhotometricInterpretation="MONOCHROME1")
    yield "frame around the film", dicom(np.pad(grey, 60), **HOSPITAL)
    for name, uid in IMAGE_CLASSES.items():
        yield name, hospital_film(SOPClassUID=uid)


def _character_sets() -> Iterator[tuple[str, bytes]]:
    film = hospital_film(SpecificCharacterSet="ISO_IR 100")
    for name, (declared, value, _) in {**DECLARED, **FAULTS}.items():
        data = dicom_bytes.replaced(film, (0x0008, 0x0005), "CS", declared.encode())
        yield name, dicom_bytes.replaced(data, (0x0010, 0x0010), "PN", value)


def _missing() -> Iterator[tuple[str, bytes]]:
    for keyword in MISSING:
        tags: dict[str, Any] = {keyword: None}
        yield keyword, hospital_film(**tags)


def _malformed() -> Iterator[tuple[str, bytes]]:
    """Without an identifier that is too long: it is copied as it is, since a shortened one would be another one."""
    for name, (tags, *_) in INVALID.items():
        if name != "a long accession number":
            yield name, hospital_film(**tags)


def _pydicom_files() -> Iterator[tuple[str, bytes]]:
    """Images of scanners and of other software, in pydicom's package: none is a chest film, so most are errors."""
    for path in sorted(map(Path, get_testdata_files("*.dcm"))):
        yield path.name, path.read_bytes()


def _film_or_none(predictor: Predictor, data: bytes) -> FilmResult | None:
    """The result of a film, whatever it is; None for a file that cannot have result objects."""
    try:
        return _film_or_failure(predictor, data)
    except PneumoniaError:
        return None


def _film_or_failure(predictor: Predictor, data: bytes) -> FilmResult:
    try:
        return film_result(predictor, data)
    except PneumoniaError as error:
        return film_result(predictor, data, failure=Failure("film.dcm", error))
