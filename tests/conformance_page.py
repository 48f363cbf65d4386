"""`python -m tests.conformance_page`: write the tables of `docs/dicom-conformance.md` from the code.

The tables of attributes come from objects that are made of several source objects and answers: what is in all of them
is ALWAYS present, and so on. So they cannot claim what is not made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.uid import UID
from pynetdicom import AllStoragePresentationContexts

from pneumonia import Predictor, load_predictor
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import Failure
from pneumonia.pacs import sop_classes, store_scu
from pneumonia.pacs.configuration import Limits
from pneumonia.pacs.reception import _COMMENTS as COMMENTS
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.source_attributes import PATIENT, STUDY

from .support.film_results import film_result
from .support.source_films import hospital_film

PAGE = Path(__file__).parents[1] / "docs" / "dicom-conformance.md"
CODES = Path(sop_classes.__file__).parents[1] / "reporting" / "dicom" / "codes.json"

OBJECTS = {
    "dicom-sr": ("structured_report", "create_structured_report"),
    "secondary-capture": ("secondary_capture", "create_secondary_capture"),
    "presentation-state": ("presentation_state", "create_presentation_state"),
    "encapsulated-pdf": ("encapsulated_pdf", "create_encapsulated_pdf"),
}
"""Kind -> module and function that make the object."""

OTHER_OPTIONS = ResultOptions(
    uid_root="1.2.826.0.1.3680043.10.999",
    language="es",
    manufacturer="Other",
    model_name="Model",
    institution_name="Site",
    station_name="ST",
    series_number_base=7000,
)
_NOT_LISTED = {"ContentSequence", "PixelData", "EncapsulatedDocument", "GraphicAnnotationSequence"}
"""Described elsewhere on the page, or of no interest in a table of values."""

_KNOWN_SOURCES = {
    **dict.fromkeys(("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"), "COPY"),
    **dict.fromkeys(("Rows", "Columns", "PixelSpacing", "DisplayedAreaBottomRightHandCorner"), "AUTO"),
    **dict.fromkeys(("WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope", "RescaleType"), "AUTO"),
    **dict.fromkeys(("EncapsulatedDocumentLength", "ContributionDescription"), "AUTO"),
    **dict.fromkeys(("SpecificCharacterSet", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"), "FIXED"),
}
"""Sources that cannot be seen from the films below, because these have the same size and depth."""

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_MARKED = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Values = dict[tuple[str, ...], str]


def render(page: str) -> str:
    """The page with each table replaced by the present one."""
    return _MARKED.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}{match[3]}", page)


def marked(page: str) -> dict[str, str]:
    """Name -> text of each table of the page."""
    return {match["name"]: match[0] for match in _MARKED.finditer(page)}


def _table(heading: str, rows: Iterator[str]) -> str:
    columns = heading.count("|") - 1
    return "\n".join([heading, "|" + "---|" * columns, *rows, ""])


def _reception() -> str:
    names = sorted(sop_classes.FILM_CLASSES, key=lambda uid: UID(uid).name)
    rows = (f"| {UID(uid).name} | `{uid}` | No | Yes | read; results are made |" for uid in names)
    others = {str(context.abstract_syntax) for context in AllStoragePresentationContexts} - sop_classes.FILM_CLASSES
    last = f"| {len(others)} other storage SOP classes (PS3.4, B.5) | | No | Yes | acknowledged, skipped, counted |"
    return _table("| SOP class | UID | SCU | SCP | what the service does |", iter([*rows, last]))


def _film_syntaxes() -> str:
    rows = (f"| {UID(each).name} | `{each}` |" for each in sop_classes.FILM_SYNTAXES)
    return _table("| transfer syntax, in the order of preference | UID |", rows)


def _delivery() -> str:
    syntaxes = ", ".join(UID(each).name for each in store_scu.TRANSFER_SYNTAXES)
    classes = (each for of_kind in store_scu.RESULT_SOP_CLASSES.values() for each in of_kind)
    rows = (f"| {UID(each).name} | `{each}` | Yes | {syntaxes} |" for each in classes)
    return _table("| SOP class | UID | SCU | transfer syntaxes |", rows)


def _limits() -> str:
    rows = (f"| `{each.name}` | {each.default} | {each.metadata['help']} |" for each in fields(Limits))
    return _table("| key of `[limits]` | default | meaning |", rows)


def _comments() -> str:
    return _table(
        "| reason in log and metrics | Error Comment (0000,0902) |", (f"| `{k}` | {v} |" for k, v in COMMENTS.items())
    )


def _codes() -> str:
    concepts = json.loads(CODES.read_text(encoding="utf-8"))["concepts"]
    rows = (f"| {scheme} | {value} | {meaning} | {source} |" for scheme, value, meaning, source in concepts.values())
    return _table("| coding scheme | code value | code meaning | source |", rows)


@cache
def _films() -> dict[str, FilmResult]:
    """Results of which objects are made: all labels, a failure, other options, a source with few attributes."""
    predictor: Predictor = load_predictor("", threads=1)
    complete, pneumonia = hospital_film("Normal", **_ALL_COPIED), hospital_film(**_ALL_COPIED)
    failure = Failure("film.dcm", UnreadableImage("damaged"))
    return {
        "normal": film_result(predictor, complete),
        "pneumonia": film_result(predictor, pneumonia, prevalence=0.3),
        "options": film_result(predictor, pneumonia, prevalence=0.3, options=OTHER_OPTIONS),
        "unknown": film_result(predictor, pneumonia, age=9),
        "failure": film_result(predictor, pneumonia, failure=failure),
        "bare": film_result(predictor, hospital_film(**_NOTHING_COPIED)),
    }


_ALL_COPIED: dict[str, Any] = {
    **{"PatientBirthTime": "101010", "OtherPatientNames": "Doe^J", "EthnicGroup": "X", "IssuerOfPatientID": "HOSPITAL"},
    **{"TypeOfPatientID": "TEXT", "PhysiciansOfRecord": "Poe^P", "PatientSize": "1.0", "PatientWeight": "15"},
    **{"AdmissionID": "ADM", "TimezoneOffsetFromUTC": "+0100", "Laterality": "", "PatientOrientation": ["L", "F"]},
}
_REMOVED = (
    *(each for each in (*PATIENT, *STUDY) if each not in {"StudyInstanceUID", "PatientAge"}),
    *("Manufacturer", "InstitutionName", "PixelSpacing", "PatientOrientation", "SeriesNumber", "InstanceNumber"),
    *("BodyPartExamined", "ViewPosition"),
)

_NOTHING_COPIED: dict[str, Any] = dict.fromkeys(_REMOVED)


def attributes(kind: str) -> str:
    """The table of the attributes of a kind of object."""
    module, function = OBJECTS[kind]
    create: Callable[[FilmResult], Dataset] = getattr(import_module(f"pneumonia.reporting.dicom.{module}"), function)
    variants = {name: dict(_flatten(create(film))) for name, film in _films().items()}
    paths = sorted({path for values in variants.values() for path in values}, key=_order)
    rows = (_row(path, variants) for path in paths)
    return _table("| attribute | tag | VR | value | presence | source |", rows)


def _flatten(dataset: Dataset, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Attributes by their path; of a sequence the first item, at most two levels deep."""
    for element in dataset:
        path = (*above, element.keyword)
        if not element.keyword or element.keyword in _NOT_LISTED:
            continue
        if element.VR != "SQ":
            value = element.value
            yield path, "" if value in (None, "") else str(value)
        elif len(above) < 2:
            yield path, "sequence"
            if element.value:
                yield from _flatten(element.value[0], path)


def _order(path: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(int(tag_for_keyword(each) or 0) for each in path)


def _row(path: tuple[str, ...], variants: Mapping[str, Values]) -> str:
    tag = tag_for_keyword(path[-1])
    assert tag is not None
    name, number = ">" * (len(path) - 1) + path[-1], f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    source, value = _source(path, variants)
    return f"| {name} | {number} | {dictionary_VR(tag)} | {value} | {_presence(path, variants)} | {source} |"


def _presence(path: tuple[str, ...], variants: Mapping[str, Values]) -> str:
    parents = [values for values in variants.values() if len(path) == 1 or path[:-1] in values]
    values = [each.get(path) for each in parents]
    if all(values):
        return "ALWAYS"
    if None in values:
        return "ANAP"
    return "VNAP" if any(values) else "EMPTY"


def _source(path: tuple[str, ...], variants: Mapping[str, Values]) -> tuple[str, str]:
    """(source of the value by PS3.2, the value if it is fixed)."""
    keyword, vr = path[-1], dictionary_VR(path[-1])
    first = variants["pneumonia"].get(path)
    if _KNOWN_SOURCES.get(keyword, "FIXED") != "FIXED":
        return _KNOWN_SOURCES[keyword], ""
    header = _films()["pneumonia"].source.header
    if vr == "SQ":
        return "", ""
    if (
        len(path) == 1
        and keyword in (*PATIENT, *STUDY)
        or (first and keyword in header and str(header[keyword].value) == first)
    ):
        return "COPY", ""
    values = {each[path] for each in variants.values() if each.get(path)}
    if vr != "UI" and keyword not in _KNOWN_SOURCES and first != variants["options"].get(path):
        return "CONFIG", ""
    if len(values) == 1 and vr not in {"DA", "TM", "DT"} and len(first or "") < 70:
        return "FIXED", _shown(first or "", vr)
    return "AUTO", ""


def _shown(value: str, vr: str) -> str:
    """A fixed value; a version would make the page outdated with each release."""
    if _VERSION.fullmatch(value):
        return "(version)"
    return UID(value).name if vr == "UI" else value.replace("|", "\\|")


TABLES: dict[str, Callable[[], str]] = {
    "reception": _reception,
    "film-syntaxes": _film_syntaxes,
    "delivery": _delivery,
    "limits": _limits,
    "comments": _comments,
    "codes": _codes,
    **{kind: (lambda kind=kind: attributes(kind)) for kind in OBJECTS},  # type: ignore[misc]
}

if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
