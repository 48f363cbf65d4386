"""The parts of the structured report that say who observed what: observer, language, algorithm, and source image."""

from __future__ import annotations

from highdicom import sr
from highdicom.sr import CodedConcept, RelationshipTypeValues
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes as dictionary
from pydicom.sr.coding import Code

from ... import __version__
from ...languages import LANGUAGES
from . import zone_regions
from .algorithm_equipment import algorithm_name, algorithm_parameters, device_uid
from .concepts import concept
from .film_result import FilmResult
from .patient_study import STAND_IN_CLASS

_ACQUISITION = RelationshipTypeValues.HAS_ACQ_CONTEXT


def language(film: FilmResult) -> sr.LanguageOfContentItemAndDescendants:
    """The language of the texts (PS3.16, TID 1204)."""
    entry = LANGUAGES[film.options.language]
    return sr.LanguageOfContentItemAndDescendants(CodedConcept(entry.tag, "RFC5646", entry.name))


def observation_context(film: FilmResult) -> sr.ObservationContext:
    """The observer: a device, not a person (PS3.16, TID 1001 and 1004)."""
    options = film.options
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=device_uid(film),
        name=options.station_name or options.model_name or None,
        manufacturer_name=options.manufacturer or None,
        model_name=options.model_name or None,
        physical_location=options.institution_name or None,
        role_in_procedure=concept("device_role"),
    )
    return sr.ObservationContext(sr.ObserverContext(dictionary.DCM.Device, device))


def algorithm(film: FilmResult) -> sr.AlgorithmIdentification:
    """The algorithm with its model and operating point as parameters (PS3.16, TID 4019)."""
    return sr.AlgorithmIdentification(
        name=algorithm_name(film),
        version=__version__,
        parameters=algorithm_parameters(film) or None,
        family=concept("artificial_intelligence"),
        manufacturer=film.options.manufacturer or None,
    )


def image_library(film: FilmResult) -> sr.ContainerContentItem:
    """The source image with what is known of it (PS3.16, TID 1600 to 1603).

    highdicom's own `ImageLibrary` needs a pixel spacing at the detector and an orientation, which many films lack.
    """
    image = sr.ImageContentItem(
        concept("source"),
        STAND_IN_CLASS,
        film.source.sop_instance_uid,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )
    image.ContentSequence = sr.ContentSequence(_descriptors(film))
    group = _container("image_library_group", [image])
    return _container("image_library", [group])


def _container(key: str, content: list[sr.ContentItem]) -> sr.ContainerContentItem:
    container = sr.ContainerContentItem(concept(key), relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = sr.ContentSequence(content)
    return container


def _descriptors(film: FilmResult) -> list[sr.ContentItem]:
    header, (width, height) = film.source.header, zone_regions.image_size(film)
    items: list[sr.ContentItem] = []
    modality = _modality(header.get("Modality", ""))
    if modality is not None:
        items.append(sr.CodeContentItem(concept("modality"), modality, _ACQUISITION))
    if "StudyDate" in header:
        items.append(sr.DateContentItem(concept("study_date"), header.StudyDate, _ACQUISITION))
    if "StudyTime" in header:
        items.append(sr.TimeContentItem(concept("study_time"), header.StudyTime, _ACQUISITION))
    for key, count in (("pixel_data_rows", height), ("pixel_data_columns", width)):
        if count:
            items.append(sr.NumContentItem(concept(key), count, concept("pixels"), relationship_type=_ACQUISITION))
    return [*items, *_orientation(film), *_spacing(film)]


def _orientation(film: FilmResult) -> list[sr.ContentItem]:
    orientation = film.source.header.get("PatientOrientation")
    if not isinstance(orientation, MultiValue) or len(orientation) != 2:
        return []
    keys = ("patient_orientation_row", "patient_orientation_column")
    return [
        sr.TextContentItem(concept(key), text, _ACQUISITION)
        for key, text in zip(keys, orientation, strict=True)
        if text
    ]


def _spacing(film: FilmResult) -> list[sr.ContentItem]:
    """The spacing at the detector, (row, column) in millimetres; that in the patient is not known for a projection."""
    spacing = film.source.header.get("ImagerPixelSpacing")
    if not isinstance(spacing, MultiValue) or len(spacing) != 2 or min(spacing) <= 0:
        return []
    keys = ("vertical_pixel_spacing", "horizontal_pixel_spacing")
    return [
        sr.NumContentItem(concept(key), float(value), concept("millimeter"), relationship_type=_ACQUISITION)
        for key, value in zip(keys, spacing, strict=True)
    ]


def _modality(term: str) -> Code | None:
    """The code of a modality of CID 29; None for another one."""
    return next((concept for concept in _MODALITIES if concept.value == term), None)


_MODALITIES = [getattr(dictionary.cid29, name) for name in dictionary.cid29.dir()]
