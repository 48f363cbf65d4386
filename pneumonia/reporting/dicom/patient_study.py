"""Attributes that all result objects of a film share: patient and study of the source, and the equipment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta, timezone

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import UID

from ... import __version__
from . import uids
from .algorithm_equipment import algorithm_equipment
from .film_result import FilmResult
from .source import UNICODE, SourceInstance
from .source_attributes import EQUIPMENT, PATIENT, STUDY

_TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName"),
)
"""Attributes of patient and study that may be empty but not missing (PS3.3, C.7.1.1 and C.7.2.1)."""

STAND_IN_CLASS = "1.2.840.10008.5.1.4.1.1.1"
"""Computed Radiography Image Storage. highdicom knows only the present classes of the standard, and films also have
retired and private ones; patient and study are the same in all."""


_REFERENCED_CLASS = Tag("ReferencedSOPClassUID")


def evidence(source: SourceInstance) -> Dataset:
    """The source for highdicom: its UIDs and equipment, `STAND_IN_CLASS` as its class, and no patient.

    highdicom quotes names in warnings and log messages. `complete` copies patient and study, and `restore_class` puts
    the true class into the object that highdicom makes.
    """
    image = Dataset()
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", *EQUIPMENT):
        if keyword in source.header:
            image[keyword] = deepcopy(source.header[keyword])
    image.SOPClassUID = STAND_IN_CLASS
    for keyword in _TYPE_2:
        setattr(image, keyword, "")
    return image


def restore_class(dataset: Dataset, source: SourceInstance) -> None:
    """Replace `STAND_IN_CLASS` by the class of the source in all references to it."""
    for element in elements_of([dataset]):
        if element.tag == _REFERENCED_CLASS and element.value == STAND_IN_CLASS:
            element.value = source.sop_class_uid


def elements_of(items: Iterable[Dataset]) -> Iterator[DataElement]:
    """All elements of data sets and of their sequences, at any depth, in any order.

    `Dataset.iterall` sorts them, which takes most of its time.
    """
    for item in items:
        for stored in list(item.values()):
            element = item[stored.tag] if isinstance(stored, RawDataElement) else stored
            yield element
            if element.VR == "SQ":
                yield from elements_of(element.value)


def creation_time(film: FilmResult) -> datetime:
    """The time of creation in the time zone that the source states, else in its own.

    TimezoneOffsetFromUTC holds for every time of an object, also for the copied ones (PS3.3, C.12.1.1.8).
    """
    zone = film.source.header.get("TimezoneOffsetFromUTC")
    if not zone:
        return film.created_at
    sign = -1 if zone.startswith("-") else 1
    return film.created_at.astimezone(timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))))


def complete(dataset: Dataset, film: FilmResult) -> None:
    """Set the attributes that all result objects share.

    Patient and study come from the source, empty where they are required and missing. The text is Unicode.
    """
    header, created_at = film.source.header, creation_time(film)
    for keyword in (*PATIENT, *STUDY):
        if keyword in header:
            dataset[keyword] = deepcopy(header[keyword])
        elif keyword in _TYPE_2:
            setattr(dataset, keyword, "")
    if "DeidentificationMethod" not in dataset and "PatientIdentityRemoved" in dataset:
        del dataset.PatientIdentityRemoved  # the method is required beside it
    dataset.SpecificCharacterSet = UNICODE
    dataset.TimezoneOffsetFromUTC = created_at.strftime("%z")[:5]
    dataset.InstanceCreationDate = created_at.strftime("%Y%m%d")
    dataset.InstanceCreationTime = created_at.strftime("%H%M%S")
    for keyword, value in _equipment(film).items():
        setattr(dataset, keyword, value)
    time = created_at.strftime("%Y%m%d%H%M%S")
    equipment = dataset.get("ContributingEquipmentSequence", [])
    for item in equipment:
        if item.get("ManufacturerModelName") == "highdicom":  # which writes the local time of now
            item.ContributionDateTime = time
    dataset.ContributingEquipmentSequence = [algorithm_equipment(film, time), *equipment]
    dataset.file_meta.ImplementationClassUID = UID(uids.IMPLEMENTATION_CLASS_UID)
    dataset.file_meta.ImplementationVersionName = uids.IMPLEMENTATION_VERSION_NAME


def _equipment(film: FilmResult) -> dict[str, str]:
    """Attributes of the General Equipment module (PS3.3, C.7.5.1); only the manufacturer may be empty."""
    options = film.options
    optional = {
        "ManufacturerModelName": options.model_name,
        "InstitutionName": options.institution_name,
        "StationName": options.station_name,
    }
    present = {keyword: value for keyword, value in optional.items() if value}
    return {"Manufacturer": options.manufacturer, "SoftwareVersions": __version__, **present}
