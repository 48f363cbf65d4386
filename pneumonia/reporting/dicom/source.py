"""The source object of results: identifiers and attributes of a DICOM file, valid and in Unicode, without pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag
from pydicom.uid import UID, UID_dictionary

from ...errors import UnsupportedDicom, UnsupportedFormat
from ...imaging.dicom import elements, parser
from ...imaging.formats import detect_format
from ...messages import message
from . import character_sets, element_values
from .source_attributes import KEYWORDS, SEQUENCES, Item

UNICODE = "ISO_IR 192"
"""Specific Character Set of all result objects: UTF-8."""

_REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_MULTI_FRAME = re.compile(
    "Multi-?frame|Enhanced|Angiographic|Radiofluoroscopic|3D|Tomosynthesis|Nuclear|RT Image|Video|Tomography", re.I
)
"""Words in the names of the standard's classes that allow several frames. A reference to an object of another class has
no frame number, although some secondary captures have several frames."""

_SEQUENCE_TAGS = frozenset(filter(None, map(tag_for_keyword, SEQUENCES)))
_ITEM = Item(KEYWORDS)


@dataclass(frozen=True)
class SourceInstance:
    """The DICOM image of which results are made.

    `header` holds the attributes of `source_attributes.KEYWORDS` that are present and valid, with the value
    representations of the standard, in Unicode. It identifies the patient: it is for result objects only.
    """

    header: Dataset = field(repr=False)
    transfer_syntax: str = ""
    """UID that the meta header declares, "" if it is missing."""
    pixel_bytes: int = 0
    """Number of bytes of the pixel data, as they are stored."""

    @classmethod
    def from_bytes(cls, data: bytes) -> SourceInstance:
        """Read the attributes of a DICOM file of any encoding that `imaging.read` accepts; its pixels are not decoded.

        Raises `UnsupportedDicom` if it is no DICOM file, no image, or lacks one of the UIDs to which results refer;
        also the errors of `parser.parse`.
        """
        if not is_dicom(data):
            raise UnsupportedDicom(
                message(
                    "The file cannot have DICOM results, because it is not a DICOM file. Allowed: a DICOM file of an "
                    "image."
                )
            )
        file = parser.parse(data, also_read=_SEQUENCE_TAGS)
        header = _clean_items([file.dataset], _ITEM, _encodings(file.dataset))[0]
        for keyword, value in (("SOPClassUID", file.storage_class), ("SOPInstanceUID", file.storage_instance)):
            if keyword not in header and (element := _uid_element(keyword, value)) is not None:
                header.add(element)
        _check(header)
        header.SpecificCharacterSet = UNICODE
        return cls(header, file.syntax, len(file.pixel_data))

    @property
    def sop_class_uid(self) -> str:
        return str(self.header.SOPClassUID)

    @property
    def sop_instance_uid(self) -> str:
        return str(self.header.SOPInstanceUID)

    @property
    def study_instance_uid(self) -> str:
        return str(self.header.StudyInstanceUID)

    @property
    def series_instance_uid(self) -> str:
        return str(self.header.SeriesInstanceUID)

    @property
    def is_multiframe(self) -> bool:
        """True for an object of several frames whose class allows them; results describe the first frame."""
        allows_frames = _MULTI_FRAME.search(UID(self.sop_class_uid).name) is not None
        return allows_frames and int(self.header.get("NumberOfFrames") or 1) > 1


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are a DICOM file; the name of the file does not matter."""
    try:
        return detect_format(data) == "DICOM"
    except UnsupportedFormat:
        return False


def _encodings(dataset: Dataset) -> tuple[str, ...]:
    return character_sets.encodings_of(elements.text(dataset, "SpecificCharacterSet"))


def _clean_items(items: Iterable[Dataset], rule: Item, encodings: Sequence[str]) -> list[Dataset]:
    """The items with the attributes of the rule that are valid; those that lack a required one are left out."""
    cleaned = []
    for item in items:
        elements = (_clean_element(item, keyword, encodings) for keyword in rule.keywords)
        dataset = Dataset({element.tag: element for element in elements if element is not None})
        if not all(keyword in dataset for keyword in rule.pair):
            for keyword in rule.pair:
                dataset.pop(keyword, None)
        if all(keyword in dataset for keyword in rule.required):
            cleaned.append(dataset)
    return cleaned[: rule.max_items]


def _clean_element(dataset: Dataset, keyword: str, encodings: Sequence[str]) -> DataElement | None:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    element = dataset.get_item(tag) if tag in dataset else None
    if isinstance(element, RawDataElement):
        return None if keyword in SEQUENCES else element_values.clean(keyword, element, encodings)
    if element is None or keyword not in SEQUENCES:
        return None
    items = [item for item in _clean_items(element.value, SEQUENCES[keyword], encodings) if len(item)]
    return DataElement(tag, "SQ", items) if items else None


def _uid_element(keyword: str, value: str) -> DataElement | None:
    raw = RawDataElement(Tag(keyword), "UI", len(value), value.encode("latin-1"), 0, False, True)
    return element_values.clean(keyword, raw, ("iso8859",))


def _check(header: Dataset) -> None:
    missing = [keyword for keyword in _REQUIRED if keyword not in header]
    if missing:
        raise UnsupportedDicom(
            message(
                "The DICOM file cannot have DICOM results, because it lacks valid identifiers. Missing: {missing}.",
                missing=", ".join(missing),
            )
        )
    if not _is_image_class(header.SOPClassUID):
        raise UnsupportedDicom(
            message("The DICOM file cannot have DICOM results, because it is not an image. Allowed: an image object.")
        )


def _is_image_class(uid: UID) -> bool:
    """False for the standard's classes that are no images; private classes may be images."""
    return uid not in UID_dictionary or "Image" in uid.name
