"""The licence of a model follows from the sources of its films."""

from __future__ import annotations

import pytest

from pneumonia.evaluation.adults import SOURCES
from pneumonia.evaluation.dataset import KERMANY
from pneumonia.evaluation.licences import LICENCES, LUNG_MASKS, licence_of


def test_every_source_of_films_has_a_licence() -> None:
    assert {KERMANY, LUNG_MASKS, *SOURCES} == set(LICENCES)


def test_one_source_for_research_restricts_the_model() -> None:
    licence = licence_of([KERMANY, "siim", LUNG_MASKS])
    assert licence["non_commercial"] is True
    assert licence["name"] == "non-commercial research"
    assert licence["terms"].startswith("Non-commercial research only")
    assert len(licence["attribution"]) == 3


def test_sources_with_attribution_only_do_not_restrict_the_model() -> None:
    licence = licence_of([KERMANY, KERMANY, "rsna_normal", LUNG_MASKS])
    assert (licence["name"], licence["non_commercial"]) == ("MIT", False)
    assert any("NIH Clinical Center" in source for source in licence["attribution"])
    assert len(licence["attribution"]) == 3


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Allowed: kermany.*Received: elsewhere"):
        licence_of(["elsewhere", KERMANY])
