"""Examples in the description of the REST API. A test validates them by the schemas."""

from __future__ import annotations

from typing import Any

EXAMPLE_PREDICTION: dict[str, Any] = {
    "file": "film.dcm",
    "label": "Pneumonia",
    "confidence": 0.93,
    "probabilities": {"Normal": 0.07, "Pneumonia": 0.93},
    "operating_point": "balanced",
    "reason": None,
    "zones": {
        "right_upper": 0.04,
        "right_middle": 0.11,
        "right_lower": 0.52,
        "left_upper": 0.03,
        "left_middle": 0.1,
        "left_lower": 0.2,
    },
    "sides": "standard",
    "image_zones": None,
    "strongest_zones": ["right_lower"],
    "model": {"name": "embedded", "revision": "23cfdfc97554", "sha256": "2f8a0811bb2d…", "site": None},
    "population": "children",
    "age": 3.0,
    "age_source": "file",
    "prevalence": 0.3,
    "probability_at_prevalence": 0.85,
    "predictive_value": {"value": 0.86, "low": 0.79, "high": 0.9, "films": 624},
    "warnings": [],
}
EXAMPLE_UNKNOWN: dict[str, Any] = {
    **EXAMPLE_PREDICTION,
    "label": "Unknown",
    "confidence": None,
    "probabilities": None,
    "reason": {"code": "not_a_chest_film", "message": "Not recognised as a frontal chest film. The model was not run."},
    "zones": None,
    "strongest_zones": None,
    "population": None,
    "prevalence": None,
    "probability_at_prevalence": None,
    "predictive_value": None,
}
_MESSAGES = {
    "usage": "Invalid age. Allowed: 0 to 130 years. Received: 'three'.",
    "unauthorized": "The API token is wrong. Allowed: a token of PNEUMONIA_TOKENS.",
    "unreadable_image": "The upload was too slow. Allowed: 60 s plus 1 s per kB. Try again.",
    "too_large": "The request is too large. Allowed: 51 MB.",
    "unsupported_format": "Unsupported file format. Allowed: PNG, JPEG … or DICOM. Received: PDF.",
    "empty_file": "The file is empty.",
    "busy": "Too many films are waiting. Allowed: 64 at a time. Try again in a minute.",
    "internal": "Internal error; the film was not scored. Please report this id: 4f0c5b7a12de9031.",
    "disk_full": "The disk of the server is full. Free space, then add the films again.",
}


def error_example(code: str, file: str | None = None) -> dict[str, Any]:
    """The JSON of an error with this code, for a film of this name."""
    return {"file": file, "error": {"code": code, "message": _MESSAGES[code]}}
