"""Rules of FHIR R4 that `fhir.resources` does not check: invariants, references within a bundle, formats, code systems.

Each rule names its source in the specification (http://hl7.org/fhir/R4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

Json = dict[str, Any]

CODE_SYSTEMS = {
    "http://snomed.info/sct",
    "http://dicom.nema.org/resources/ontology/DCM",
    "http://unitsofmeasure.org",
    "http://terminology.hl7.org/CodeSystem/v2-0074",
    "http://terminology.hl7.org/CodeSystem/v2-0203",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "http://terminology.hl7.org/CodeSystem/umls",
    "http://hl7.org/fhir/uv/dicom-sr/CodeSystem/dicom-identifier-type",
    "urn:oid:2.25.300368606962108211693782254953139534024",
}
"""The systems of all codes; the last one is the private scheme of `codes.json`."""

STATUSES = {
    "DiagnosticReport": {"preliminary", "cancelled"},
    "Observation": {"preliminary", "cancelled"},
    "ImagingStudy": {"available"},
    "Device": {"active"},
}
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?")
_CODE = re.compile(r"\S+( \S+)*")
_XHTML = {"div", "p", "b", "table", "tbody", "tr", "th", "td"}


def resources(bundle: Json, kind: str) -> list[Json]:
    """The resources of a type, in the order of the bundle."""
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def violations(bundle: Json) -> list[str]:
    """What a bundle violates; empty if nothing."""
    return [
        *_bundle(bundle),
        *(f"{path}: {problem}" for path, value in _walk(bundle, "Bundle") for problem in _element(path, value)),
        *(problem for entry in bundle["entry"] for problem in _resource(entry["resource"])),
    ]


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _walk(child, f"{path}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from _walk(child, path)


def _bundle(bundle: Json) -> Iterator[str]:
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    if len(set(urls)) < len(urls):
        yield "bdl-7: a fullUrl occurs twice"
    if not all(_UUID.fullmatch(url) for url in urls):
        yield "3.1.0.11: the fullUrl of a transaction is a urn:uuid"
    kinds = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]}
    references = [value for _, value in _walk(bundle, "") if isinstance(value, dict) and "reference" in value]
    for reference in references:
        if kinds.get(reference["reference"]) != reference["type"]:
            yield f"2.3.0.1: the reference {reference} is not that of an entry"
    conditions = [entry["request"]["ifNoneExist"] for entry in bundle["entry"]]
    if len(set(conditions)) < len(conditions):
        yield "3.1.0.8.1: two entries have one condition"
    for entry in bundle["entry"]:
        if entry["request"]["method"] != "POST" or entry["request"]["url"] != entry["resource"]["resourceType"]:
            yield "bdl-3: a transaction needs the request of each entry"


def _element(path: str, value: Any) -> Iterator[str]:
    name = path.rsplit(".", 1)[-1]
    if value in (None, "", [], {}):
        yield "2.6.2: an element is not empty"
    if isinstance(value, str) and (value != value.strip() or re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", value)):
        yield "2.24.0.1: a string has no outer white space and no control characters"
    formats = {"issued": _INSTANT, "timestamp": _INSTANT, "effectiveDateTime": _DATE_TIME, "started": _DATE_TIME}
    formats |= {"uid": _ID, "id": _ID}
    if name in formats and not formats[name].fullmatch(value):
        yield f"2.24.0.1: {value!r} has not the format of {name}"
    if isinstance(value, dict):
        yield from _structure(value)


def _structure(value: Json) -> Iterator[str]:
    if value.get("system") == "urn:dicom:uid" and not _OID.fullmatch(value["value"]):
        yield f"10.4.4: {value['value']!r} is not a UID"
    if "code" in value and "system" in value:
        system = value["system"]
        if system == "urn:ietf:rfc:3986":
            if not _OID.fullmatch(value["code"]):
                yield "a class is an OID"
        elif system not in CODE_SYSTEMS:
            yield f"the code system {system!r} is not known"
        if not _CODE.fullmatch(value["code"]):
            yield f"2.24.0.1: {value['code']!r} is not a code"
    if set(value) & {"low", "high"} and not value.keys() & {"text", "type"} - {"low", "high"}:
        low, high = value.get("low"), value.get("high")
        if low and high and low["value"] > high["value"]:
            yield "rng-2: low is above high"


def _resource(resource: Json) -> Iterator[str]:
    kind = resource["resourceType"]
    if resource["status"] not in STATUSES[kind]:
        yield f"{kind}.status is {resource['status']}"
    if kind != "ImagingStudy":
        yield from _narrative(resource)
    if kind == "Observation":
        yield from _observation(resource)
    if kind in {"Observation", "DiagnosticReport"}:
        labels = [label["code"] for label in resource["meta"]["security"]]
        if labels != ["AIAST"]:
            yield f"{kind} has not the label of an algorithm"


def _narrative(resource: Json) -> Iterator[str]:
    """txt-1, txt-2, and 2.3.6: well-formed XHTML of simple elements with some content, in the resource's language."""
    div = ElementTree.fromstring(resource["text"]["div"])
    names = {element.tag.removeprefix("{http://www.w3.org/1999/xhtml}") for element in div.iter()}
    if not names <= _XHTML or not "".join(div.itertext()).strip():
        yield f"txt-1: {names - _XHTML} in a narrative, or no content"
    if div.get("lang") != resource["language"]:
        yield "2.3.6: the language of the narrative is not that of the resource"


def _observation(resource: Json) -> Iterator[str]:
    has_value = any(name.startswith("value") for name in resource)
    if has_value == ("dataAbsentReason" in resource):
        yield "obs-6: an observation has either a value or the reason why it has none"
    codes = {coding["code"] for coding in resource["code"]["coding"]}
    for component in resource.get("component", []):
        if codes == {coding["code"] for coding in component["code"]["coding"]}:
            yield "obs-7: a component has the code of its observation"
        if sum(name.startswith("value") for name in component) != 1:
            yield "obs: a component has one value"
    for limits in resource.get("referenceRange", []):
        if not limits.keys() & {"low", "high", "text"}:
            yield "obs-3: a reference range has a limit or a text"
