"""What every resource about one film shares: language, patient, study, order, algorithm, time, and its identity."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property

from ...inference.decision import Failure
from ...languages import LANGUAGES
from ...messages import translate
from ..dicom.film_result import FilmResult
from . import terms
from .datatypes import Json, coding, concept, instant, reference, uid_identifier, without_empty
from .header_references import film_time, order_reference, patient_reference
from .narrative import narrative

AI_ASSERTED = coding(
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "AIAST", "Artificial Intelligence asserted"
)
"""Security label of data that an algorithm asserted (HL7 guide "AI Transparency on FHIR", labelling)."""

OBSERVATION_UID = concept(
    [coding("http://hl7.org/fhir/uv/dicom-sr/CodeSystem/dicom-identifier-type", "observation-uid", "Observation UID")]
)


@dataclass(frozen=True)
class Envelope:
    """The shared elements of the resources about `film`; `device_url` is the full URL of the algorithm's entry.

    `study_url` is that of the study's entry, None for a picture, which belongs to no study.
    """

    film: FilmResult
    device_url: str
    study_url: str | None

    @property
    def language(self) -> str:
        return self.film.options.language

    @property
    def language_tag(self) -> str:
        """The language of the texts by BCP 47."""
        return LANGUAGES[self.language].tag

    def words(self, text: str) -> str:
        """A message in the language of the result."""
        return translate(text, self.language)

    @cached_property
    def subject(self) -> Json | None:
        return patient_reference(self.film.source.header)

    @property
    def study(self) -> Json | None:
        return reference(self.study_url, "ImagingStudy") if self.study_url else None

    def observation(self, key: str, summary: str, elements: Json) -> Json:
        """An Observation with the shared elements; `key` names it within the result, `summary` is its narrative."""
        study = [self.study] if self.study else None
        return without_empty(
            {
                **self.header("Observation", narrative([summary], self.language)),
                "identifier": [uid_identifier(self.uid(key), OBSERVATION_UID)],
                "basedOn": self.orders,
                "partOf": study,
                "status": "cancelled" if isinstance(self.film.result, Failure) else "preliminary",
                "category": elements["category"],
                "code": elements["code"],
                "subject": self.subject,
                "effectiveDateTime": self.film_time,
                "issued": self.issued,
                "method": terms.term("artificial_intelligence"),
                "device": reference(self.device_url, "Device"),
                "derivedFrom": study,
                **elements,
            }
        )

    def header(self, kind: str, text: Json | None) -> Json:
        """Type, label, language and narrative, with which every resource begins."""
        return without_empty(
            {
                "resourceType": kind,
                "meta": {"security": [AI_ASSERTED]},
                "language": self.language_tag,
                "text": text,
            }
        )

    @property
    def orders(self) -> list[Json]:
        order = order_reference(self.film.source.header)
        return [order] if order else []

    @property
    def film_time(self) -> str | None:
        return film_time(self.film.source.header)

    @property
    def issued(self) -> str:
        return instant(self.film.created_at)

    def uid(self, key: str) -> str:
        """UID of a resource of the result: the same for the same film, answer, model and options."""
        return self.film.sop_instance_uid(f"fhir {key}")


def full_url(uid: str) -> str:
    """Name of an entry within a bundle, from the UID of its resource (RFC 9562, version 5 in the OID namespace)."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, uid)}"
