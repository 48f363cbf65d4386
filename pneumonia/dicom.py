"""DICOM -> `Radiograph`. pydicom does the decoding; here stand the rules for what counts as a film.

Nothing of the patient leaves this module: the tags are read in passing, and no text of pydicom's reaches a user, since
it may quote a tag.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.multival import MultiValue
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from .errors import NoPixels, UnsupportedDicom
from .radiograph import Pixels, Radiograph, check_pixel_count, decoding, stretched

# A malformed tag is no reason to refuse the pixels, and pydicom's warnings about it would quote the tag in the log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")

AGES_YEARS = (1, 5)
"""The ages of the children in the training films."""

_LATERAL_VIEWS = {"LL", "RL", "LLD", "RLD", "LLAT", "RLAT"}
"""ViewPosition of films taken from the side: the standard's left and right lateral, also of a lying patient, and two
that machines write. Whatever holds a word that starts with LAT counts too."""

_FAR = 10_000_000
"""Beyond every value that 16 bits and a rescale give."""

_DAYS_PER_UNIT = {"D": 1.0, "W": 7.0, "M": 30.44, "Y": 365.25}


def read(data: bytes) -> Radiograph:
    """Decode the first frame of an uncompressed grey DICOM file.

    The modality rescale and then the VOI LUT or window are applied, MONOCHROME1 is inverted, so that air is dark.
    Raises `UnsupportedDicom`, `NoPixels`, `TooLarge` or `UnreadableImage`.
    """
    with decoding("DICOM file"):
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        _mend(dataset)
        _check(dataset)
        return Radiograph(_upright_grey(dataset), "DICOM", _notes(dataset), _is_lateral(dataset))


def _mend(dataset: pydicom.Dataset) -> None:
    """Make explicit what a careless writer left out: empty elements count as missing, a bare data set has a syntax."""
    for keyword in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "VOILUTSequence", "PixelData"):
        if keyword in dataset and not dataset[keyword].value and dataset[keyword].value != 0:
            del dataset[keyword]
    if not _first(dataset.get("WindowWidth")) and "WindowCenter" in dataset:
        del dataset["WindowCenter"]  # a window without width shows nothing
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, MultiValue) else value


def _check(dataset: pydicom.Dataset) -> None:
    if "PixelData" not in dataset:
        raise NoPixels("The DICOM file holds no picture. Allowed: a file with pixel data.")
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not syntax.is_deflated:
        name = syntax.name if syntax.is_transfer_syntax and not syntax.is_private else "an unknown one"
        raise UnsupportedDicom(
            f"The DICOM file's compression is not supported yet. Allowed: uncompressed. Received: {name}."
        )
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if dataset.get("SamplesPerPixel", 1) != 1 or not photometric.startswith("MONOCHROME"):
        raise UnsupportedDicom(
            "The DICOM picture is not grey. Allowed: MONOCHROME1 or MONOCHROME2, one sample a pixel."
        )
    check_pixel_count(int(dataset.Columns), int(dataset.Rows))


def _upright_grey(dataset: pydicom.Dataset) -> Pixels:
    stored = pixel_array(dataset, index=0)
    shown, brightest = _windowed(dataset, stored)
    return brightest - shown if dataset.PhotometricInterpretation == "MONOCHROME1" else shown


def _windowed(dataset: pydicom.Dataset, stored: npt.NDArray[Any]) -> tuple[Pixels, Any]:
    """What a viewer would show, and the value that stands for white.

    A film without rescale and window keeps its own values and depth, so that it equals the same film as a picture.
    """
    has_window = "WindowCenter" in dataset or "VOILUTSequence" in dataset
    has_rescale = (dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)) != (1, 0)
    if not has_window and not has_rescale and "ModalityLUTSequence" not in dataset and stored.dtype.kind == "u":
        depth = np.dtype(np.uint8 if stored.dtype.itemsize == 1 else np.uint16)
        return stored.astype(depth), depth.type(2 ** int(dataset.BitsStored) - 1)
    values = apply_modality_lut(stored, dataset)
    if not has_window:
        return stretched(values.astype(np.float64)), np.uint16(65535)
    shown = apply_voi_lut(values, dataset, index=0).astype(np.float64)
    return stretched(shown, *_ends_of_window(dataset)), np.uint16(65535)


def _ends_of_window(dataset: pydicom.Dataset) -> tuple[float, float]:
    """What the window makes of values far below and far above it: its black and its white."""
    with np.errstate(over="ignore"):  # a sigmoid window may be steep
        ends = apply_voi_lut(np.array([-_FAR, _FAR]), dataset, index=0)
    return float(ends.min()), float(ends.max())


def _notes(dataset: pydicom.Dataset) -> tuple[str, ...]:
    notes = []
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        notes.append(f"The file holds {int(dataset.NumberOfFrames)} pictures; only the first was used.")
    age = _age_years(str(dataset.get("PatientAge", "")))
    if age is not None and not AGES_YEARS[0] <= age < AGES_YEARS[1] + 1:
        notes.append(
            f"The patient's age lies outside {AGES_YEARS[0]}-{AGES_YEARS[1]} years, the ages of the training films."
        )
    return tuple(notes)


def _is_lateral(dataset: pydicom.Dataset) -> bool:
    """Whether ViewPosition says so; where it is missing or says something else, the gate must tell."""
    words = re.findall("[A-Z0-9]+", str(_first(dataset.get("ViewPosition", ""))).upper())
    return any(word in _LATERAL_VIEWS or word.startswith("LAT") for word in words)


def _age_years(text: str) -> float | None:
    """The standard's age string, such as 004Y or 018M, in years; None where it is missing or malformed."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if not (number.isascii() and number.isdecimal()) or unit not in _DAYS_PER_UNIT:
        return None
    return int(number) * _DAYS_PER_UNIT[unit] / 365.25
