"""DICOM films whose attributes have arbitrary values: wrong types, lengths, character sets and items of sequences."""

from __future__ import annotations

import io
import random

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from pneumonia.reporting.dicom.source_attributes import EQUIPMENT, IMAGE, PATIENT, SEQUENCES, SERIES, STUDY
from tests.support import dicom_bytes
from tests.support.source_films import hospital_film

CHARACTER_SETS = ["", "ISO_IR 100", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 87", "ISO_IR 13", "ISO_IR 144", "unknown"]
ENCODINGS = ["latin-1", "utf-8", "shift_jis", "gb18030", "iso8859_5"]
VALUES = [
    *("", " ", "x", "\0", "\t", "\n", "=", "==x", "^^^^^^", "a\\b\\c", "é\\è", "a/b", "@#$%", "\x1b$B;3ED\x1b(B"),
    *(
        "Doe^Jane",
        "王小东^三",
        "Люкceмбypг",
        "x" * 64,
        "é" * 20,
        "d" * 2000,
        "CHEST",
        "chest pa",
        "L",
        "L\\F",
        "A\\B\\C",
    ),
    *("12", "-1", "1.5", "1e9", "1.5\\2", "0.00000012345678", "99999999999999999999", "12,5", "NaN"),
    *("20230105", "20230230", "2023-01-05", "2023.01.05", "10:11", "2359", "256199", "20230105101112+0100"),
    *("M", "male", "O", "R", "B", "YES", "NO", "003Y", "3Y", "999Y", "+0530", "-9999"),
    *("1.2.3", "1..2", "0.0", "1.2.03", "1.2." + "3" * 70),
]

_PIXELS = {
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "NumberOfFrames"),
}
_UIDS = {"SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"}
_REFUSED = {"Modality", "BodyPartExamined"}
KEYWORDS = [
    keyword for keyword in (*PATIENT, *STUDY, *SERIES, *EQUIPMENT, *IMAGE) if keyword not in _PIXELS | _UIDS | _REFUSED
]
"""Attributes that decide neither about the pixels nor about whether there are results."""

_IDENTIFIERS = {"PatientID", "AccessionNumber", "StudyID", "AdmissionID", "IssuerOfPatientID"}
"""Copied at any length, so a long one is not valid in the results either."""


def film_of(seed: int) -> bytes:
    """A film in which about a third of the attributes have an arbitrary value, and some are missing."""
    generator = random.Random(seed)
    label = generator.choice(["Normal", "Pneumonia"])
    dataset = pydicom.dcmread(io.BytesIO(hospital_film(label)))
    for keyword in KEYWORDS:
        chance = generator.random()
        if chance < 0.3:
            _set(dataset, keyword, generator)
        elif chance < 0.4 and keyword in dataset:
            del dataset[keyword]
    buffer, replaces_unknown = io.BytesIO(), pydicom.config.replace_un_with_known_vr
    pydicom.config.replace_un_with_known_vr = False  # else pydicom converts the values, and writes no invalid one
    try:
        dataset.save_as(buffer)
    finally:
        pydicom.config.replace_un_with_known_vr = replaces_unknown
    characters = generator.choice(CHARACTER_SETS)
    element = dicom_bytes.explicit(8, 5, "CS", characters.encode() + b" " * (len(characters) % 2))
    first_tag = b"\x08\x00\x08\x00UN" if "ImageType" in dataset else b"\x08\x00\x16\x00UI"
    return dicom_bytes.before(buffer.getvalue(), element, first_tag)


def _set(dataset: Dataset, keyword: str, generator: random.Random, depth: int = 0) -> None:
    if keyword in SEQUENCES:
        items = [_item(keyword, generator, depth) for _ in range(generator.randint(0, 2))]
        dataset[keyword] = DataElement(Tag(keyword), "SQ", items)
        return
    value = generator.choice(VALUES).encode(generator.choice(ENCODINGS), "ignore")
    _put(dataset, keyword, value[:12] if keyword in _IDENTIFIERS else value)


def _item(sequence: str, generator: random.Random, depth: int) -> Dataset:
    item = Dataset()
    for keyword in SEQUENCES[sequence].keywords:
        if generator.random() < 0.6 and (depth < 2 or keyword not in SEQUENCES):
            _set(item, keyword, generator, depth + 1)
    return item


def _put(dataset: Dataset, keyword: str, value: bytes) -> None:
    """Set an element of unknown value representation (UN), which may have any value."""
    padded = value + b" " * (len(value) % 2)
    dataset[keyword] = RawDataElement(Tag(keyword), "UN", len(padded), padded, 0, False, True)
