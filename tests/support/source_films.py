"""DICOM films of which results are made: with the identifiers and the attributes of a hospital."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pneumonia.inference import sources
from tests.support.dicom_files import dicom

SIZE = (512, 448)
"""Width and height of the films in pixels."""

HOSPITAL: dict[str, Any] = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1",
    "SOPInstanceUID": "1.2.826.0.1.3680043.10.999.7.1",
    "StudyInstanceUID": "1.2.826.0.1.3680043.10.999.7.2",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.10.999.7.3",
    "PatientSex": "F",
    "StudyDate": "20230105",
    "StudyTime": "101112",
    "StudyID": "7",
    "StudyDescription": "Chest",
    "AccessionNumber": "A-77",
    "ReferringPhysicianName": "Roe^Richard",
    "Modality": "DX",
    "SeriesNumber": 3,
    "InstanceNumber": 2,
    "BodyPartExamined": "CHEST",
    "ViewPosition": "PA",
    "PatientOrientation": ["L", "F"],
    "Manufacturer": "Maker",
    "InstitutionName": "District hospital",
    "PixelSpacing": [0.2, 0.2],
}
"""Tags of a complete film of a child of three years; those of the patient are `dicom_files.CHILD`."""


def average(label: str, population: str = "children") -> npt.NDArray[np.uint8]:
    """The class average of typical films, `[H, W]`, which the model of the population accepts and labels so."""
    return _average(label.lower(), population)


def hospital_film(
    label: str = "Pneumonia",
    population: str = "children",
    bits: int = 8,
    pixels: npt.NDArray[np.uint8] | None = None,
    **tags: Any,
) -> bytes:
    """A DICOM file of a class average, or of `pixels`, with the tags `HOSPITAL`; a tag with value None is omitted."""
    pixels = average(label, population) if pixels is None else pixels
    stored = pixels if bits == 8 else np.rint(pixels * ((2**bits - 1) / 255)).astype(np.uint16)
    age = {"children": "003Y", "adults": "064Y"}[population]
    return dicom(stored, **{**HOSPITAL, "BitsStored": bits, "PatientAge": age, **tags})


@cache
def _average(label: str, population: str) -> npt.NDArray[np.uint8]:
    paths = (sources.EMBEDDED_FOLDERS[population] / "examples").glob(f"*{label}*.png")
    with Image.open(next(iter(paths))) as picture:
        grey = np.asarray(picture.convert("L").resize(SIZE, Image.Resampling.BICUBIC))
    grey.setflags(write=False)
    return grey
