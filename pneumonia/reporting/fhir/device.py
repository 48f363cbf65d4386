"""The algorithm as a Device (profile "DICOM SR TID 4019 Algorithm Identification Mapping" of the guide)."""

from __future__ import annotations

from collections.abc import Iterator

from ... import __version__
from ...inference.decision import Prediction
from ...languages import LANGUAGES
from ...messages import translate
from .. import provenance, wording
from ..dicom.film_result import FilmResult
from ..dicom.uids import result_uid
from . import terms
from .datatypes import Json, text, text_concept, uid_identifier, without_empty
from .narrative import narrative


def algorithm_device(film: FilmResult) -> Json:
    """Name, version and model of the algorithm; for a film that could not be read, without a model."""
    language = film.options.language
    notes = [translate(note, language).replace("**", "") for note in (wording.DISCLAIMER, *_model_notes(film))]
    return without_empty(
        {
            "resourceType": "Device",
            "language": LANGUAGES[language].tag,
            "text": narrative([film.options.model_name, *notes], language),
            "identifier": [uid_identifier(algorithm_uid(film))],
            "status": "active",
            "type": terms.term("artificial_intelligence"),
            "manufacturer": text(film.options.manufacturer),
            "deviceName": list(_names(film)),
            "version": [{"type": text_concept(name), "value": value} for name, value in _versions(film)],
            "note": [{"text": note} for note in notes],
        }
    )


def algorithm_uid(film: FilmResult) -> str:
    """Identity of the algorithm: software version, model and site file, in one language."""
    identity = film.prediction.model.as_dict() if film.prediction else {}
    parts = (identity.get("sha256"), identity.get("site"), film.options.language, film.options.manufacturer)
    return result_uid(film.options.uid_root, "device", __version__, *parts)


def _names(film: FilmResult) -> Iterator[Json]:
    yield {"name": text(film.options.model_name), "type": "user-friendly-name"}
    if film.prediction:
        yield {"name": text(film.prediction.model.name), "type": "model-name"}


def _versions(film: FilmResult) -> Iterator[tuple[str, str]]:
    """(what, version): names are English, since programs read them."""
    yield "software", __version__
    if isinstance(film.result, Prediction):
        model = film.result.model
        versions = {"model revision": model.revision, "model sha256": model.sha256, "site file": model.site}
        yield from ((name, text(value)) for name, value in versions.items() if value)


def _model_notes(film: FilmResult) -> Iterator[str]:
    """For whom the model was made, its test, and a licence that restricts its use."""
    if film.model is not None:
        yield provenance.describe_model(film.model.bundle)
