"""The result for one film as a transaction Bundle of FHIR R4 that a client posts to a server as it is.

Mapping: HL7, "DICOM SR to FHIR Resource Mapping" (http://hl7.org/fhir/uv/dicom-sr). The guide is for R5; what R4 lacks
(ImagingSelection for the outlines of zones) stays in the structured report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydicom import Dataset

from ..dicom.film_result import FilmResult
from .datatypes import Json, instant
from .device import algorithm_device, algorithm_uid
from .diagnostic_report import REPORT, diagnostic_report
from .envelope import Envelope, full_url
from .imaging_study import imaging_study
from .observations import ANSWER, observations
from .picture_source import is_picture


def create_bundle(film: FilmResult, sr: Dataset | None = None, pdf: bytes | None = None) -> Json:
    """The bundle for a film: report, observations, algorithm, and for a DICOM film the study.

    `sr` is its structured report; the DiagnosticReport then has its SOP Instance UID as a second identifier. `pdf` is
    the report as PDF, which is attached. Every entry is created only if no resource of its identifier exists, so that a
    bundle can be posted again (R4, 3.1.0.11 "transaction", and 3.1.0.8.1 "Conditional create").
    """
    study_url = None if is_picture(film.source) else full_url(film.source.study_instance_uid)
    envelope = Envelope(film, full_url(algorithm_uid(film)), study_url)
    entries = [_entry(url, resource) for url, resource in _resources(envelope, sr, pdf)]
    return {
        "resourceType": "Bundle",
        "id": full_url(envelope.uid("bundle")).removeprefix("urn:uuid:"),
        "type": "transaction",
        "timestamp": instant(film.created_at),
        "entry": entries,
    }


def to_json(bundle: Json) -> bytes:
    """The bundle as UTF-8, one line for each level of the structure."""
    return (json.dumps(bundle, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _resources(envelope: Envelope, sr: Dataset | None, pdf: bytes | None) -> Iterator[tuple[str, Json]]:
    """(full URL, resource), the report first."""
    by_key = observations(envelope)
    urls = {key: full_url(envelope.uid(key)) for key in by_key}
    sr_uid = None if sr is None else str(sr.SOPInstanceUID)
    yield full_url(envelope.uid(REPORT)), diagnostic_report(envelope, list(urls.values()), sr_uid, pdf)
    members = [{"reference": url, "type": "Observation"} for key, url in urls.items() if key != ANSWER]
    for key, resource in by_key.items():
        yield urls[key], {**resource, "hasMember": members} if key == ANSWER and members else resource
    yield envelope.device_url, algorithm_device(envelope.film)
    if envelope.study_url is not None:
        yield envelope.study_url, imaging_study(envelope.film.source.header)


def _entry(url: str, resource: Json) -> Json:
    """A resource that the server creates unless it has one with the same first identifier."""
    identifier = resource["identifier"][0]
    condition = f"identifier={identifier['system']}|{identifier['value']}"
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": condition}
    return {"fullUrl": url, "resource": resource, "request": request}
