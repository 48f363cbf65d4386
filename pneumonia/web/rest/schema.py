"""Schemas of the JSON that the REST API returns: one definition for OpenAPI, documentation page and tests.

`PREDICTION` lists the keys of `Prediction.as_dict`; a test compares both, and validates real answers. Objects may get
further keys in later versions, so no schema forbids them.
"""

from __future__ import annotations

from typing import Any

from ...imaging import Sides
from ...inference.decision import CLASSES, REASONS, UNKNOWN
from ...inference.explain import ZONES
from ...inference.populations import POPULATIONS
from ...inference.zone_names import IMAGE_ZONES
from .responses import STATUS

Schema = dict[str, Any]


def _object(properties: dict[str, Schema], description: str = "") -> Schema:
    schema: Schema = {"type": "object", "required": list(properties), "properties": properties}
    return {**schema, "description": description} if description else schema


def _optional(schema: Schema) -> Schema:
    """The schema, or null."""
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    if schema.get("type") == "object":
        description = schema.get("description", "")
        inner = {key: value for key, value in schema.items() if key != "description"}
        return {"anyOf": [inner, {"type": "null"}], "description": description}
    return {**schema, "type": [schema["type"], "null"]}


def _text(description: str = "", **limits: Any) -> Schema:
    return {"type": "string", **({"description": description} if description else {}), **limits}


def _share(description: str = "") -> Schema:
    limits: Schema = {"type": "number", "minimum": 0, "maximum": 1}
    return {**limits, "description": description} if description else limits


FILE = _optional(_text("The name of the file as the caller gave it."))

REASON = _object(
    {"code": _text(enum=list(REASONS)), "message": _text("The reason as a sentence.")},
    "Why the label is Unknown; null for the other labels.",
)

MODEL_IDENTITY = _object(
    {
        "name": _text(),
        "revision": _text(),
        "sha256": _text(),
        "site": _optional(_text("The site file with which the model answers.")),
    },
    "The model that scored the film, or whose gate refused it.",
)

PREDICTIVE_VALUE = _object(
    {"value": _share(), "low": _share(), "high": _share(), "films": {"type": "integer", "minimum": 1}},
    "Of the films with this label at this operating point and prevalence, the share for which the label is right, with "
    "its 95 % interval and the number of test films.",
)

PREDICTION = _object(
    {
        "file": FILE,
        "label": _text("The answer.", enum=[*CLASSES, UNKNOWN]),
        "confidence": _optional(_share("Calibrated probability of the label; null for Unknown.")),
        "probabilities": _optional(
            _object(
                {name: _share() for name in CLASSES},
                "Calibrated probability of each class; null if the film was not scored.",
            )
        ),
        "operating_point": _text("The operating point of the answer."),
        "reason": _optional(REASON),
        "zones": _optional(
            _object(
                {name: _share() for name in ZONES},
                "Each lung zone's share of the positive activation, patient's side; null for Normal, if the film was "
                "not scored, and if the patient's sides are unknown.",
            )
        ),
        "sides": _text(
            "The patient's sides in the image: assumed (left of the image: patient's right), the same stated by the "
            "DICOM header (standard), the reverse stated by it (mirrored), or unknown.",
            enum=[sides.value for sides in Sides],
        ),
        "image_zones": _optional(
            _object(
                {name: _share() for name in IMAGE_ZONES},
                "In place of zones if the patient's sides are unknown: the shares by side of the image.",
            )
        ),
        "strongest_zones": _optional(
            {
                "type": "array",
                "items": {"type": "string", "enum": [*ZONES, *IMAGE_ZONES]},
                "description": "The zone with the largest share, and each other one with at least two thirds of it, "
                "the strongest first; empty if less than half of the activation is inside the lungs; null without map.",
            }
        ),
        "model": MODEL_IDENTITY,
        "population": _optional(
            _text(
                "The patients for whom the model was trained; null if the film was not scored.",
                enum=[str(name) for name in POPULATIONS],
            )
        ),
        "age": _optional(
            {
                "type": "number",
                "minimum": 0,
                "description": "The patient's age in years with which the model was chosen; null if none is known.",
            }
        ),
        "age_source": _optional(
            _text("Where the age comes from: the caller, or the DICOM header.", enum=["stated", "file"])
        ),
        "prevalence": _optional(_share("The prevalence that the next two values assume.")),
        "probability_at_prevalence": _optional(_share("P(pneumonia) of the film at this prevalence.")),
        "predictive_value": _optional(PREDICTIVE_VALUE),
        "warnings": {
            "type": "array",
            "items": _text(),
            "description": "Sentences about the film that the reader should know.",
        },
    },
    "The answer for one film. A support tool, not a replacement for a radiologist.",
)

ERROR = _object(
    {
        "file": FILE,
        "error": _object(
            {
                "code": _text("Stable; programs decide by it.", enum=list(STATUS)),
                "message": _text("What is wrong, what is allowed, and what was received. The wording may change."),
            }
        ),
    },
    "No answer: the film cannot be read, or the call is wrong.",
)

MODEL = _object(
    {
        "name": _text(),
        "revision": _text(),
        "sha256": _text(),
        "population": _text(enum=[str(name) for name in POPULATIONS]),
        "licence": {"description": "Name and terms; null if the model states none."},
        "operating_points": {
            "type": "object",
            "additionalProperties": _object({"low": _share(), "threshold": _share(), "high": _share()}),
            "description": "Name -> P(pneumonia) up to which a film is Normal, and from which it is Pneumonia.",
        },
        "figures": {"type": "object", "description": "Protocol -> figure -> value and 95 % interval."},
        "populations": {"type": "object", "description": "Population -> the description of its model."},
    },
    "The first model, and under `populations` that of each population.",
)

SCHEMAS: dict[str, Schema] = {"Prediction": PREDICTION, "Error": ERROR, "Model": MODEL}
