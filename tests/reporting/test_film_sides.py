"""The patient's sides in every output, for each orientation that a header can state: all outputs name the same side."""

from __future__ import annotations

import dataclasses
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader

from pneumonia import Predictor
from pneumonia.imaging import Sides
from pneumonia.inference import explain, zone_names
from pneumonia.inference.decision import Prediction, Reason
from pneumonia.inference.reading import Reading
from pneumonia.languages import LANGUAGES, use_language
from pneumonia.messages import translate
from pneumonia.reporting import reading_guide, zone_table, zone_wording
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.presentation_state import create_presentation_state
from pneumonia.reporting.dicom.secondary_capture import create_secondary_capture
from pneumonia.reporting.dicom.structured_report import create_structured_report
from pneumonia.reporting.dicom.zone_regions import zone_polygons
from pneumonia.reporting.fhir.bundle import create_bundle, to_json
from pneumonia.reporting.pdf_report import render_pdf
from pneumonia.web import activation_panel
from pneumonia.web.viewer import film_view
from tests.support.dicom_programs import iod_errors, run_program
from tests.support.film_results import encode, film_result
from tests.support.oriented_films import (
    CONTRADICTORY,
    EQUIVALENT,
    FRONTAL,
    oriented_film,
    sides_of,
    stored_as,
)
from tests.support.source_films import average, hospital_film
from tests.support.sr_items import groups, items, zone_of

FAST = {"H\\R", "sagittal, but PA"}
"""Cases of the fast tests: a film that is mirrored and rotated, and a contradictory header."""

_SIDE = re.compile(
    r"patient's (right|left)( \(|,|<)|\b(right|left) (upper|middle|lower)\b|\b[RL] (upper|middle|lower)\b"
)
"""Words of outputs that name a side of the patient for a zone."""


def cases(*names: str) -> list[Any]:
    return [pytest.param(name, id=name, marks=[] if name in FAST else [pytest.mark.slow]) for name in names]


def film_of(predictor: Predictor, case: str) -> FilmResult:
    """The result of a film of `FRONTAL`, whose pixels agree with its header, or of another, upright one."""
    if case in FRONTAL:
        return film_result(predictor, oriented_film(case))
    return film_result(predictor, hospital_film(**CONTRADICTORY.get(case, {"PatientOrientation": case})))


def expected_shares(film: FilmResult) -> dict[str, float]:
    """The shares by place in the image, named as the case demands."""
    reading = film.reading
    assert reading is not None and reading.activation is not None
    return zone_names.named(explain.zone_shares(reading.activation, reading.lung_field), reading.sides)


def texts_of(film: FilmResult, case: str) -> Iterator[tuple[str, str]]:
    """(output, its text) of all outputs with words; the PDF, which takes longest, of some cases only."""
    prediction, reading = film.prediction, film.reading
    assert prediction is not None and reading is not None
    if case in FAST | {"L\\F", "R\\F", "F\\R", "one value"}:
        pdf = render_pdf(average("Pneumonia"), prediction, reading.activation, lung_field=reading.lung_field)
        yield "PDF", " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    yield "page", html.unescape(activation_panel.panel(prediction, None, in_lungs=True))
    yield "guide", translate(reading_guide.describe(prediction, in_lungs=True))
    yield "secondary capture", " ".join(map(str, sum(zone_table.rows(prediction, in_lungs=True), [])))
    yield (
        "SR",
        " ".join(str(element.value) for element in create_structured_report(film).iterall() if element.VR != "SQ"),
    )
    yield "FHIR", to_json(create_bundle(film)).decode()


def viewer_zones(reading: Reading) -> dict[str, Any]:
    return film_view._zones(reading) | film_view._sides(reading.film, reading)


@pytest.mark.parametrize("case", cases(*FRONTAL, *EQUIVALENT))
def test_every_output_names_the_sides_of_the_header(predictor: Predictor, case: str) -> None:
    film = film_of(predictor, case)
    prediction, reading = film.prediction, film.reading
    assert prediction is not None and reading is not None and prediction.zones is not None
    sides = sides_of(EQUIVALENT.get(case, case))
    assert (prediction.sides, prediction.image_zones) == (sides, None)
    assert prediction.zones == expected_shares(film)
    strongest = (explain.strongest_zone(prediction.zones) or "").replace(" ", "_")
    report = create_structured_report(film)
    assert {zone_of(item) for item in items(groups(report)[0], "zone_share")} == set(explain.ZONES)
    assert zone_of(groups(report)[1]) == strongest
    assert fhir_zones(film) == {zone: round(share, 4) for zone, share in prediction.zones.items()}
    left, right = ("left", "right") if sides is Sides.MIRRORED else ("right", "left")
    head = zone_table.rows(prediction, in_lungs=True)[0]
    assert [str(cell) for cell in head[1:]] == [f"patient's {left}", f"patient's {right}"]
    texts = dict(texts_of(film, case))
    assert f"patient's {left} (left side of the film)" in texts["page"]
    assert f"{strongest.replace('_', ' ')} zone." in texts.get("PDF", texts["guide"])
    assert viewer_zones(reading)["sides"] == [left[0].upper(), right[0].upper()]
    is_named = {zone["name"].split()[0]: zone["middle"][0] for zone in viewer_zones(reading)["zones"]}
    assert is_named[left[0].upper()] < 0.5 < is_named[right[0].upper()]
    capture = create_secondary_capture(film)
    assert [letters[0] for letters in capture.PatientOrientation] == ["R" if sides is Sides.MIRRORED else "L", "F"]


def fhir_zones(film: FilmResult) -> dict[str, float]:
    shares = {}
    for entry in json.loads(to_json(create_bundle(film)))["entry"]:
        item = entry["resource"]
        if "bodySite" in item:
            side, height = item["bodySite"]["text"].split(", ")
            shares[f"{side.split()[-1]}_{height.split()[0]}"] = item["valueQuantity"]["value"]
    return shares


@pytest.mark.parametrize("case", cases(*CONTRADICTORY))
def test_no_output_names_a_side_that_is_unknown(predictor: Predictor, case: str) -> None:
    film = film_of(predictor, case)
    prediction = film.prediction
    assert prediction is not None and film.reading is not None
    assert (prediction.sides, prediction.zones) == (Sides.UNKNOWN, None)
    assert prediction.image_zones == expected_shares(film) and tuple(prediction.image_zones) == zone_names.IMAGE_ZONES
    for output, text in texts_of(film, case):
        assert not _SIDE.search(text), output
        assert output == "guide" or "side of the image" in text, output
    report = create_structured_report(film)
    assert not items(report, "laterality") and len(groups(report)) > 1
    assert fhir_zones(film) == {}
    assert not create_secondary_capture(film)["PatientOrientation"].value
    assert viewer_zones(film.reading)["sides"] == ["", ""]
    assert len(create_presentation_state(film).GraphicAnnotationSequence) == 2


@pytest.mark.parametrize("case", cases(*FRONTAL))
def test_outlines_lie_on_the_stored_film(predictor: Predictor, case: str) -> None:
    """The outlines of a rotated film are those of the upright one, rotated as the film was."""
    film, upright = film_of(predictor, case), film_of(predictor, "R\\F" if FRONTAL[case][1] else "L\\F")
    for zone, polygons in zone_polygons(upright).items():
        marks = np.zeros(average("Pneumonia").shape, np.uint8)
        centre = polygons[0].mean(axis=0).astype(int)
        marks[centre[1], centre[0]] = 1
        # The upright film of a mirrored one has its pixels mirrored already.
        turned = stored_as(case, marks[:, ::-1] if FRONTAL[case][1] else marks)
        (row,), (column,) = np.nonzero(turned)
        assert zone_polygons(film)[zone][0].mean(axis=0) == pytest.approx((column + 0.5, row + 0.5), abs=1)


@pytest.mark.parametrize(
    ("case", "rotation", "corners"),
    [
        ("H\\R", 270, ([448, 1], [1, 512])),
        pytest.param("R\\H", 180, ([512, 448], [1, 1]), marks=pytest.mark.slow),
        pytest.param("F\\R", 90, ([1, 512], [448, 1]), marks=pytest.mark.slow),
    ],
)
def test_the_presentation_state_shows_a_rotated_film_upright(
    predictor: Predictor, case: str, rotation: int, corners: Any
) -> None:
    state = create_presentation_state(film_of(predictor, case))
    assert (state.ImageRotation, state.ImageHorizontalFlip) == (rotation, "N")
    area = state.DisplayedAreaSelectionSequence[0]
    shown = (list(area.DisplayedAreaTopLeftHandCorner), list(area.DisplayedAreaBottomRightHandCorner))
    assert shown == corners


@pytest.mark.slow
@pytest.mark.parametrize("case", ["R\\F", "F\\R", "sagittal, but PA"])
def test_the_objects_are_valid(predictor: Predictor, tmp_path: Path, case: str) -> None:
    film = film_of(predictor, case)
    for name, create in {
        "sr": create_structured_report,
        "sc": create_secondary_capture,
        "gsps": create_presentation_state,
    }.items():
        path = tmp_path / f"{name}.dcm"
        path.write_bytes(encode(create(film)))
        assert iod_errors(path) == [], name
    dump = run_program("dsrdump", tmp_path / "sr.dcm").stdout
    assert ("Laterality" in dump) == (case != "sagittal, but PA")


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_each_language_has_the_names(language: str) -> None:
    with use_language(language):
        for texts in (zone_wording.SIDES, zone_wording.SIDE_NAMES, zone_wording.AT_LEFT_NAMES):
            named = [translate(text) for text in texts.values()]
            assert len(set(named)) == len(named) and not any(str(text) in named for text in texts.values())


def test_a_film_that_stays_refused_is_not_rotated(predictor: Predictor) -> None:
    """Its header says that it is rotated, but it is no film either way."""
    noise = np.random.default_rng(3).integers(0, 256, (300, 300), np.uint8)
    film = film_result(predictor, hospital_film(pixels=noise, PatientOrientation="F\\R"))
    assert film.reading is not None and film.reading.quarters == 0 and film.reading.refusal is not None
    assert viewer_zones(film.reading)["sides"] == ["", ""]
    assert isinstance(film.result, Prediction) and film.result.zones is film.result.image_zones is None


def test_sides_are_assumed_only_for_what_a_gate_has_accepted(predictor: Predictor) -> None:
    """A photograph of something else has no patient's right; the header of a film has it, whatever the gate says."""
    noise = np.random.default_rng(3).integers(0, 256, (300, 300), np.uint8)
    refused = predictor.read(noise)
    accepted = dataclasses.replace(refused, refusal=None)
    unclear = dataclasses.replace(refused, refusal=Reason("population_unclear", ""))
    readings = (refused, accepted, unclear, None)
    assert [film_view._sides(refused.film, reading)["sides"] for reading in readings] == [
        ["", ""],
        ["R", "L"],
        ["R", "L"],
        ["", ""],
    ]
    stated = film_result(predictor, hospital_film(pixels=noise, PatientOrientation="L\\F")).reading
    assert stated is not None and stated.refusal is not None and viewer_zones(stated)["sides"] == ["R", "L"]
