"""The reading guide beside a prediction: next steps, where the map is strongest, and signs to look for.

The texts are those of `radiology_texts`, for the population of the model that answered.
"""

from __future__ import annotations

from ..inference.decision import CLASSES, Prediction
from ..inference.explain import MIN_LUNG_SHARE, strongest_zone
from ..inference.populations import ADULTS, CHILDREN
from ..messages import Message, join, message
from . import radiology_texts as texts
from . import zone_wording


def describe(prediction: Prediction, *, in_lungs: bool = False) -> Message:
    """The full text beside a prediction, as Markdown: next steps, location of the activation, and reading guide.

    `in_lungs`: the map is the evidence in the predicted lung field, which was added up to the score.
    """
    steps = next_steps(prediction)
    sections = [texts.section(message("What to do next"), *steps)] if steps else []
    if _has_map(prediction):
        sections.append(join(["**", message("Map."), "** ", describe_location(prediction, in_lungs=in_lungs)], ""))
    return join([*sections, reading_guide(prediction)], "\n\n")


def next_steps(prediction: Prediction) -> tuple[Message, ...]:
    """Recommended steps after Unknown; empty for Normal and Pneumonia."""
    return texts.NEXT_STEPS[prediction.reason.code] if prediction.reason else ()


def describe_location(prediction: Prediction, *, in_lungs: bool = False) -> Message:
    """Sentences that name the zone with the strongest activation or evidence, or say why no zone is named."""
    zone = strongest_zone(prediction.zone_shares or {})
    orientation = zone_wording.SIDES[prediction.sides]
    if zone is None:
        return join([_no_zone(in_lungs=in_lungs), orientation])
    caveat = message("The map shows where the score came from; it is not proof of disease there.")
    if in_lungs:
        caveat = message(
            "The map shows the parts of the lungs that raised the score; it is not proof of disease there."
        )
    return join([texts.STRONGEST_ZONE[zone], orientation, caveat])


def _no_zone(*, in_lungs: bool) -> Message:
    if in_lungs:
        return message(
            "Less than {share:.0f} % of the evidence lies inside the lungs: no zone is named, and this answer is less "
            "trustworthy.",
            share=100 * MIN_LUNG_SHARE,
        )
    return message(
        "Less than {share:.0f} % of the activation lies inside the lungs: no zone is named, and this answer is less "
        "trustworthy.",
        share=100 * MIN_LUNG_SHARE,
    )


def reading_guide(prediction: Prediction) -> Message:
    """The signs to look for, as Markdown, for this label, operating point and zone; "" if the film was refused."""
    if prediction.reason is not None and prediction.reason.code != "inconclusive":
        return join(())
    sections = [texts.OPERATING_POINT_NOTES.get((prediction.operating_point, prediction.label), join(()))]
    population = prediction.population or CHILDREN.name
    if prediction.label == CLASSES[0]:
        sections += [texts.NORMAL_APPEARANCE, texts.LIMITS_OF_NORMAL]
    else:
        sections += [
            _zone_hint(prediction),
            texts.SIGNS,
            texts.PATTERNS[population],
            texts.LIMITS_OF_PATTERNS,
        ]
    return join([*sections, texts.PITFALLS[population], texts.sources(population)], "\n\n")


def _has_map(prediction: Prediction) -> bool:
    return prediction.label == CLASSES[1] or (
        prediction.reason is not None and prediction.reason.code == "inconclusive"
    )


def _zone_hint(prediction: Prediction) -> Message:
    """Heading and structures to compare in the strongest zone; "" if no zone is named."""
    zone = strongest_zone(prediction.zones or {})
    if not zone:
        return join(())
    has_thymus = "upper" in zone and prediction.population != ADULTS.name
    return texts.section(
        texts.ZONE_HEADINGS[zone],
        join([texts.ZONE_HINTS[zone], texts.THYMUS_HINT if has_thymus else ""]),
    )
