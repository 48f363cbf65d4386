"""Films of which a part is cut off, by their shape and by their lungs: refused, or answered with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..imaging import Radiograph
from ..messages import message
from .decision import Reason
from .gate import Limits
from .populations import ADULTS, CHILDREN, Population

ASPECT_LIMITS: Mapping[Population, Limits] = {CHILDREN: Limits(2.2), ADULTS: Limits(1.5, 1.9)}
"""Limits of the longer side of a film as a multiple of the shorter one, set by hand. Without its upper or lower half, a
square film has 2. Films of children are cropped by hand and differ widely: 50 of 4,724 are longer than 2.2, so their
limit only warns. Detectors for adults have 35 x 43 cm (1.23); no films of adults in their original shape were at hand.
`python -m pneumonia.evaluation.cropped_films` prints the shapes of whole films, see docs/experiments.md."""

ELONGATED_WARNING = message(
    "The film is unusually elongated. If a part of the chest is cut off, do not rely on the answer."
)
LUNGS_AT_EDGE_WARNING = message(
    "The lungs reach the edge of the image. If they are cut off there, do not rely on the answer."
)
ELONGATED_ADVICE = message("The film is more elongated than a whole one. Give the whole film.")
LUNGS_CUT_OFF_ADVICE = message("The lungs are cut off at the edge of the image. Give the whole film.")


def examine(film: Radiograph, lungs_at_edge: str | None, population: Population) -> tuple[Radiograph, Reason | None]:
    """The film, with warnings if a part of it may be cut off, and the refusal if it is.

    `lungs_at_edge` is that of the film's `Score`.
    """
    by_shape = ASPECT_LIMITS[population].exceeded_limit(film.aspect)
    checks = (
        (by_shape, ELONGATED_WARNING, ELONGATED_ADVICE),
        (lungs_at_edge, LUNGS_AT_EDGE_WARNING, LUNGS_CUT_OFF_ADVICE),
    )
    for limit, _, advice in checks:
        if limit == "far":
            return film, Reason("unlike_training_films", advice)
    warnings = [warning for limit, warning, _ in checks if limit == "near"]
    return replace(film, warnings=(*film.warnings, *warnings)) if warnings else film, None
