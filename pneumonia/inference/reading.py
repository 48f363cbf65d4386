"""Reading of one film: decoded, routed to a model by age or gate, and scored; no operating point is applied yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .. import imaging
from ..imaging import Area, Radiograph, Sides, Source
from ..messages import join, message
from . import cut_off_films
from .decision import PHOTOGRAPH_ADVICE, Reason
from .gate import Assessment
from .graph import Activation, LungField
from .model import Model
from .populations import Population, of_age
from .routing import GATE_REFUSALS, Route, models_for_age, route

STATED, FROM_FILE = "stated", "file"
"""Sources of the patient's age: the caller, or the DICOM header."""

AGES_DIFFER_WARNING = message(
    "The stated age and the age in the DICOM header are of different age groups; the stated one is used."
)


@dataclass(frozen=True)
class Reading:
    """The result for a film before an operating point is applied; `Predictor.decide` turns it into predictions.

    `film` is the radiograph as scored; if the film in the file was inverted, `inverted` is true and `film` is the
    corrected one. `refusal` is the reason why the film is not answered; then `probability` and `activation` are None.
    `probability` is the calibrated P(pneumonia), `activation` the map `[h, w]`, and `lung_field` the predicted lung
    field `[h, w]`, None if the model predicts none. `population` is that of the model that scored the film, or for a
    refusal that of `Prediction.model`; None is that of the predictor's first model. `age` is the patient's in years,
    with which the model was chosen, and `age_source` where it comes from: "stated" by the caller or "file", the DICOM
    header. Both are None if no age is known. `assessment` is the judgement of the gate of that population's model on
    the film as scored, None if no gate was run, or if it accepts a film that is refused afterwards. `quarters` is the
    number of quarter turns, anticlockwise, by which the film in the file was rotated to become `film`; everything here
    is that of the rotated film.
    """

    film: Radiograph
    refusal: Reason | None
    probability: float | None
    activation: Activation | None
    inverted: bool = False
    lung_field: LungField | None = None
    population: Population | None = None
    age: float | None = None
    age_source: str | None = None
    assessment: Assessment | None = None
    quarters: int = 0

    @property
    def sides(self) -> Sides:
        """What is known of the patient's sides in `film`."""
        return self.film.sides

    @property
    def area(self) -> Area:
        """The part of the film, without a uniform frame, that the model received; the activation map covers it."""
        return self.film.area or imaging.WHOLE

    def display(self, source: Source) -> npt.NDArray[np.uint8]:
        """Read `source` at full resolution for display: uint8 `[H, W]`, rotated and inverted as for the model.

        A uniform frame is displayed too.
        """
        return imaging.to_display(self.as_scored(imaging.read(source, full_resolution=True)))

    def as_scored(self, film: Radiograph) -> Radiograph:
        """The film of the file, read again, with the rotation and the inversion of this reading."""
        upright = film.upright() if self.quarters else film
        return imaging.invert(upright) if self.inverted else upright


def read_film(models: Sequence[Model], source: Source, age: float | None) -> Reading:
    """Read, route and score one film with one of the models; see `Predictor.read`."""
    film = _with_age_warning(imaging.read(source), age)
    years, age_source = (film.age_years, FROM_FILE) if age is None else (age, STATED)
    candidates = models_for_age(models, years)
    refusal = _refusal_without_gate(film) or (None if candidates else _age_refusal(models, is_stated=age is not None))
    if refusal is None:
        reading = _score(film, candidates)
    else:
        reading = Reading(film, refusal, None, None, population=(candidates or models)[0].population)
    return replace(reading, age=years, age_source=None if years is None else age_source)


def _score(film: Radiograph, candidates: Sequence[Model]) -> Reading:
    """Score the film, or its rotated copy if its header declares a rotation and the gates accept only this copy.

    The gates refuse rotated films (`evaluation.orientation_audit`). If they accept the film as it is stored, its header
    is wrong. Pixels of a mirrored film are not changed: no gate could tell a mirrored film from a wrong header, and the
    answer hardly depends on it.
    """
    routed = _route(film, candidates)
    if film.turn is None:
        return _reading(routed)
    if not routed.is_refused:
        return _reading(replace(routed, film=routed.film.with_unknown_sides()))
    upright = _route(film.upright(), candidates)
    return _reading(routed) if upright.is_refused else _reading(upright, film.turn.quarters)


@dataclass(frozen=True)
class _Routed:
    """A film, inverted if only its inverted copy is accepted, its model input `[150, 150, 3]`, and its route."""

    film: Radiograph
    input_image: npt.NDArray[np.uint8]
    route: Route
    inverted: bool

    @property
    def is_refused(self) -> bool:
        return self.route.refusal in GATE_REFUSALS


def _route(film: Radiograph, candidates: Sequence[Model]) -> _Routed:
    """Choose one of the candidate models for the film, or for its inverted copy if only this is accepted."""
    input_image = imaging.to_input(film)
    chosen = route(candidates, input_image)
    if chosen.refusal in GATE_REFUSALS:
        chosen_if_inverted = route(candidates, 255 - input_image)
        if chosen_if_inverted.refusal not in GATE_REFUSALS:
            film = imaging.invert(film)
            return _Routed(film, imaging.to_input(film), chosen_if_inverted, True)
    return _Routed(film, input_image, chosen, False)


def _reading(routed: _Routed, quarters: int = 0) -> Reading:
    """Run the chosen model, unless the film is refused."""
    film, chosen, model = routed.film, routed.route, routed.route.model
    if chosen.refusal is not None:
        reading = Reading(film, _refusal(chosen.refusal, film), None, None)
    else:
        reading = _scored(film, routed.input_image, model)
    is_refused_after_gate = chosen.refusal is None and reading.refusal is not None
    return replace(
        reading,
        inverted=routed.inverted,
        population=model.population,
        assessment=None if is_refused_after_gate else chosen.assessment,
        quarters=quarters,
    )


def _scored(film: Radiograph, input_image: npt.NDArray[np.uint8], model: Model) -> Reading:
    """Score a film that the gate accepts, unless it is a photograph, in false colours, or a part of a film."""
    if imaging.has_false_colours(film) or _is_photograph(film):
        return Reading(film, _refusal("unlike_training_films", film), None, None)
    score = model.score(input_image)
    film, refusal = cut_off_films.examine(film, score.lungs_at_edge, model.population)
    if refusal is not None:
        return Reading(film, refusal, None, None)
    return Reading(film, None, score.probability, score.activation, lung_field=score.lung_field)


def _is_photograph(film: Radiograph) -> bool:
    """True for a photograph that the gate accepts: distorted and unevenly lit, it may hide a pneumonia.

    DICOM files are not examined, because no camera writes them and films of detectors have unusual borders.
    """
    return film.format != "DICOM" and imaging.is_photograph(film)


def _refusal_without_gate(film: Radiograph) -> Reason | None:
    """The refusal of a film whose header declares another body part or a lateral view, or that is a strip of a film."""
    if film.is_other_body_part or film.is_strip:
        return Reason("not_a_chest_film")
    return Reason("unlike_training_films") if film.is_lateral else None


def _with_age_warning(film: Radiograph, age: float | None) -> Radiograph:
    """The film, with a warning if the stated age and that of its header belong to different populations."""
    if age is None or film.age_years is None or of_age(age) is of_age(film.age_years):
        return film
    return replace(film, warnings=(*film.warnings, AGES_DIFFER_WARNING))


def _refusal(code: str, film: Radiograph) -> Reason:
    """The gate's reason, with advice unless the image is a DICOM file, which no camera writes."""
    is_unlike_films = code in {"not_a_chest_film", "unlike_training_films"}
    return Reason(code, PHOTOGRAPH_ADVICE if is_unlike_films and film.format != "DICOM" else "")


def _age_refusal(models: Sequence[Model], *, is_stated: bool) -> Reason:
    """The reason for a patient whose age no model covers, with the ages that the models cover."""
    covered = message("Covered: {populations}.", populations=join((m.population.description for m in models), ", "))
    correction = "" if is_stated else message("If the age in the DICOM header is wrong, state the age.")
    return Reason("age_not_covered", join([covered, correction]))
