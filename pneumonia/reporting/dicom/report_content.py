"""The measurement groups of the structured report: the answer with its numbers and texts, and the strongest zones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from highdicom import sr
from highdicom.sr import CodedConcept, RelationshipTypeValues
from pydicom.sr.coding import Code

from ...inference import zone_names
from ...inference.decision import CLASSES, UNKNOWN, Prediction
from ...inference.predictive_value import PredictiveValue
from ...messages import translate
from . import report_context, report_texts, zone_regions
from .codes import error_code
from .concepts import concept
from .film_result import FilmResult
from .patient_study import STAND_IN_CLASS
from .uids import result_uid

_CONTAINS = RelationshipTypeValues.CONTAINS
_PRESENCE = {CLASSES[0]: "absent", CLASSES[1]: "present", UNKNOWN: "undetermined"}
"""Label of a scored film -> presence of pneumonia according to the algorithm, a code of CID 240."""


def answer_group(film: FilmResult) -> sr.MeasurementsAndQualitativeEvaluations:
    """The answer to the film, or the error (PS3.16, TID 1501).

    It has no item "Finding": the algorithm classifies the film, and no observer found anything.
    """
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(film, "Classification of the film by AI", "answer"),
        algorithm_id=report_context.algorithm(film),
        measurements=list(_measurements(film)) or None,
        qualitative_evaluations=[sr.QualitativeEvaluation(*pair) for pair in evaluations(film)],
        source_images=[sr.SourceImageForMeasurementGroup(STAND_IN_CLASS, film.source.sop_instance_uid, _frames(film))],
    )
    group[0].ContentSequence.extend(_text(film, key, text) for key, text in report_texts.texts(film))
    return group


def summary(film: FilmResult) -> list[sr.TextContentItem]:
    """Comments at the top of the report, which a viewer shows before the numbers."""
    return [_text(film, "comment", text) for text in report_texts.summary(film)]


def zone_groups(film: FilmResult) -> list[sr.PlanarROIMeasurementsAndQualitativeEvaluations]:
    """The zones with the most evidence and their outlines (PS3.16, TID 1410); none if page and report name no zone."""
    zones = zone_regions.strongest_zones(film)
    if not zones:
        return []
    outlines, algorithm = zone_regions.zone_polygons(film), report_context.algorithm(film)
    return [
        sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=_zone_tracking(film, zone, number),
            referenced_region=_region(film, outlines[zone]),
            finding_sites=[_site(zone)],
            algorithm_id=algorithm,
            measurements=[_measurement("zone_share", round(share, 4))],
        )
        for number, (zone, share) in enumerate(zones.items())
        if outlines.get(zone)
    ]


def _region(film: FilmResult, polygons: list[npt.NDArray[np.float64]]) -> sr.ImageRegion:
    source = sr.SourceImageForRegion(STAND_IN_CLASS, film.source.sop_instance_uid, _frames(film))
    return sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, zone_regions.largest(polygons), source)


def _zone_tracking(film: FilmResult, zone: str, number: int) -> sr.TrackingIdentifier:
    if number == 0:
        return _tracking(film, "Lung zone with the most evidence", "zone")
    return _tracking(film, f"Lung zone with almost as much evidence, {number}", f"zone {zone}")


def evaluations(film: FilmResult) -> Iterator[tuple[CodedConcept, CodedConcept | Code]]:
    """(concept, value): status, answer, presence of pneumonia, reason and error codes, source of the age."""
    prediction, failure = film.prediction, film.failure
    if failure is not None:
        yield concept("summary_of_analyses"), concept("failed")
        yield concept("pneumonia"), concept("not_evaluated")
        yield concept("error"), error_code(failure.error.code, failure.error.code.replace("_", " "))
    if prediction is None:
        return
    is_scored = prediction.probability is not None
    yield concept("summary_of_analyses"), concept("succeeded" if is_scored else "not_attempted")
    yield concept("answer"), concept(f"answer_{prediction.label}")
    yield concept("pneumonia"), concept(_PRESENCE[prediction.label] if is_scored else "not_evaluated")
    if prediction.reason is not None:
        yield concept("reason"), concept(f"reason_{prediction.reason.code}")
    if prediction.age_source is not None:
        yield concept("age_source"), concept(f"age_source_{prediction.age_source}")


def _measurements(film: FilmResult) -> Iterator[sr.Measurement]:
    """The numbers of the prediction's JSON, rounded as there, and the limits of the operating point."""
    prediction = film.prediction
    if prediction is None:
        return
    values = prediction.as_dict()
    if prediction.probability is not None and film.model is not None:
        yield _probability(values["probabilities"][CLASSES[1]])
        point = film.model.operating_points[prediction.operating_point]
        for key, limit in (("lower_limit", point.low), ("threshold", point.threshold), ("upper_limit", point.high)):
            yield _measurement(key, float(f"{limit:.6g}"))
        yield _measurement("prevalence", float(f"{values['prevalence']:.6g}"))
        yield _measurement("probability_at_prevalence", values["probability_at_prevalence"])
    if prediction.predictive_value is not None:
        yield from _predictive_value(prediction, prediction.predictive_value)
    for zone, share in zone_regions.zones_of_patient(film).items():
        yield _measurement("zone_share", round(share, 4), finding_sites=[_site(zone)])
    if values["age"] is not None:
        yield _measurement("subject_age", values["age"], unit="year")


def _probability(value: float) -> sr.Measurement:
    """The probability of pneumonia; the concept that it is about is a modifier of the general concept."""
    measurement = _measurement("probability", value)
    subject = sr.CodeContentItem(concept("finding"), concept("pneumonia"), RelationshipTypeValues.HAS_CONCEPT_MOD)
    measurement[0].ContentSequence = sr.ContentSequence([subject])
    return measurement


def _predictive_value(prediction: Prediction, value: PredictiveValue) -> Iterator[sr.Measurement]:
    """The predictive value of the answer with its 95 % interval (PS3.16, TID 310), and the number of test films."""
    key = "positive_predictive_value" if prediction.label == CLASSES[1] else "negative_predictive_value"
    shares = value.as_dict()
    interval = sr.MeasurementProperties(
        upper_measurement_uncertainty=round(shares["high"] - shares["value"], 4),
        lower_measurement_uncertainty=round(shares["value"] - shares["low"], 4),
    )
    yield _measurement(key, shares["value"], properties=interval)
    yield _measurement("test_films", value.films, unit="films")


def _measurement(
    key: str,
    value: float,
    *,
    unit: str = "no_units",
    finding_sites: list[sr.FindingSite] | None = None,
    properties: sr.MeasurementProperties | None = None,
) -> sr.Measurement:
    return sr.Measurement(concept(key), value, concept(unit), finding_sites=finding_sites, properties=properties)


def _text(film: FilmResult, key: str, text: str) -> sr.TextContentItem:
    return sr.TextContentItem(concept(key), translate(text, film.options.language), _CONTAINS)


def _site(zone: str) -> sr.FindingSite:
    """The code of a zone; without a side if the patient's sides are unknown: then the outline shows where it lies."""
    side, height = zone_names.side_and_height(zone)
    return sr.FindingSite(concept(height), laterality=None if side.startswith("image") else concept(side))


def _frames(film: FilmResult) -> list[int] | None:
    """The frame that was read, for an object of several frames."""
    return [1] if film.source.is_multiframe else None


def _tracking(film: FilmResult, identifier: str, part: str) -> sr.TrackingIdentifier:
    """A name for readers, and a UID that is the same whenever the same report is made."""
    uid = result_uid(film.options.uid_root, "tracking", part, film.sop_instance_uid("dicom-sr"))
    return sr.TrackingIdentifier(uid=uid, identifier=identifier)
