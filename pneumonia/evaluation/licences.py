"""Licences of the data sets, and the licence of a model, which follows from the sources of its films."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .adults import RSNA_NORMAL, SIIM
from .dataset import KERMANY

LUNG_MASKS = "lung_masks"
"""Source of the lung masks, which are not films but are trained on as well."""


@dataclass(frozen=True)
class Licence:
    """Terms of one source. `attribution` names the authors; `terms` is one sentence."""

    name: str
    terms: str
    attribution: str
    non_commercial: bool = False


LICENCES = {
    KERMANY: Licence(
        "CC BY 4.0",
        "Any use with attribution.",
        "Kermany, Zhang, Goldbaum, Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for "
        "Classification, Mendeley Data 2018, doi 10.17632/rscbjbr9sj",
    ),
    LUNG_MASKS: Licence("CC BY 4.0", "Any use with attribution.", "V7 Labs, COVID-19 X-ray dataset (lung masks)"),
    RSNA_NORMAL: Licence(
        "attribution",
        "Any use with attribution to the NIH Clinical Center and to RSNA.",
        "NIH Clinical Center, ChestX-ray14 (Wang et al. 2017); readings: RSNA Pneumonia Detection Challenge 2018; "
        "copies: COVID-19 Radiography Database",
    ),
    SIIM: Licence(
        "non-commercial research",
        "Non-commercial research only, with attribution.",
        "SIIM-FISABIO-RSNA COVID-19 Detection 2021: BIMCV-COVID19+ (Spain) and MIDRC-RICORD (USA)",
        non_commercial=True,
    ),
}
"""Source -> its licence."""


def is_non_commercial(sources: Iterable[str]) -> bool:
    """Whether a model that is trained on these sources has non-commercial terms."""
    return any(LICENCES[name].non_commercial for name in sources if name in LICENCES)


def licence_of(sources: Iterable[str]) -> dict[str, Any]:
    """`licence` of a bundle's config: `name`, `terms` (one sentence), `non_commercial`, `attribution` (a list).

    `sources` are those of all films and masks from which the model was made, validation films included. Code and
    weights are under the MIT licence unless a source restricts what is made of it. Raises `ValueError` for an unknown
    source.
    """
    names = sorted(set(sources))
    unknown = [name for name in names if name not in LICENCES]
    if unknown:
        raise ValueError(f"unknown source. Allowed: {', '.join(LICENCES)}. Received: {', '.join(unknown)}.")
    restricted = [name for name in names if LICENCES[name].non_commercial]
    attribution = [LICENCES[name].attribution for name in names]
    if restricted:
        terms = "Non-commercial research only, because of the terms of the films on which the model was trained."
        return {
            "name": "non-commercial research",
            "terms": terms,
            "non_commercial": True,
            "attribution": attribution,
        }
    terms = "Any use under the MIT licence; name the sources of the films on which the model was trained."
    return {"name": "MIT", "terms": terms, "non_commercial": False, "attribution": attribution}


def licence_of_model(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """`licence` of a bundle's config; without one, the model was trained on Kermany's films alone."""
    licence: Mapping[str, Any] = config.get("licence") or licence_of([KERMANY])
    return licence
