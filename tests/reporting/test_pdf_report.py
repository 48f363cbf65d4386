"""The report, read back as a PDF reader extracts it."""

from __future__ import annotations

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pypdf import PdfReader

from pneumonia import Prediction, Predictor
from pneumonia.errors import UsageError
from pneumonia.imaging import Area
from pneumonia.inference import explain, sources
from pneumonia.inference.decision import CLASSES, REASONS, UNKNOWN, Reason
from pneumonia.reporting import answer_text, pdf_report

Grey = npt.NDArray[np.uint8]
MAP = np.eye(9, dtype=np.float32)[::-1]


def answer(predictor: Predictor, label: str, probability: float | None, **options: Any) -> Prediction:
    zones = explain.zone_shares(MAP) if probability is not None and label != CLASSES[0] else None
    options = {"reason": None, "zones": zones} | options
    return Prediction(file="DOE^JOHN.png", label=label, probability=probability, operating_point="confirm",
                      model=predictor.models[0].identity, **options)  # fmt: skip


@pytest.fixture
def pneumonia(predictor: Predictor) -> Prediction:
    return answer(predictor, "Pneumonia", 0.931, warnings=("Low resolution: the short side has 120 pixels.",))


def read(document: bytes) -> tuple[str, int]:
    """The text of the single page, whitespace collapsed, and its number of images."""
    (page,) = PdfReader(io.BytesIO(document)).pages
    return " ".join(page.extract_text().split()), len(page.images)


def test_the_report_has_the_contents_of_the_page(large_film: Grey, pneumonia: Prediction) -> None:
    created_at = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
    text, pictures = read(pdf_report.render_pdf(large_film, pneumonia, MAP, created_at=created_at))
    assert pictures == 2
    for expected in (
        "Pneumonia P(pneumonia) 93 %",
        "Operating point: confirm",
        "Normal 7 %, Pneumonia 93 %",
        "Low resolution: the short side has 120 pixels.",
        "lung",
        "What to look for",
        "Silhouette sign",
        "Created 2026-11-03 14:05 UTC",
        "not a replacement for a radiologist",
        pneumonia.model.name,
        pneumonia.model.revision,
        pneumonia.model.sha256,
    ):
        assert expected in text


def test_each_zone_has_its_cell(large_film: Grey, pneumonia: Prediction) -> None:
    zones = {zone: number / 25 for number, zone in enumerate(explain.ZONES, start=1)}
    text, _ = read(pdf_report.render_pdf(large_film, replace(pneumonia, zones=zones), MAP))
    assert "upper zone 4 % 16 % middle zone 8 % 20 % lower zone 12 % 24 %" in text


def test_no_zone_is_named_where_little_lies_inside_the_lungs(large_film: Grey, pneumonia: Prediction) -> None:
    text, _ = read(pdf_report.render_pdf(large_film, replace(pneumonia, zones=dict.fromkeys(explain.ZONES, 0.05)), MAP))
    assert "inside the lung boxes 30 % outside the lung boxes 70 %" in text
    assert "lower zone" not in text


def test_a_normal_film_has_no_map(predictor: Predictor, large_film: Grey) -> None:
    text, pictures = read(pdf_report.render_pdf(large_film, answer(predictor, "Normal", 0.001), MAP))
    assert pictures == 1
    assert "Normal P(pneumonia) under 1 %" in text
    assert "zone" not in text


@pytest.mark.parametrize("code", REASONS)
def test_unknown_says_why_and_what_to_do_next(predictor: Predictor, large_film: Grey, code: str) -> None:
    is_scored = code == "inconclusive"
    unknown = answer(predictor, UNKNOWN, 0.5 if is_scored else None, reason=Reason(code))
    text, pictures = read(pdf_report.render_pdf(large_film, unknown, MAP if is_scored else None))
    assert REASONS[code] in text
    assert "What to do next" in text
    assert "confidence" not in text.replace(REASONS[code], "").split("Operating point")[0]
    assert pictures == (2 if is_scored else 1)


@pytest.mark.parametrize("shape", [(64, 64), (100, 3000), (3000, 100), (2300, 2500)])
def test_films_of_any_shape_fit_on_the_page(pneumonia: Prediction, shape: tuple[int, int]) -> None:
    warnings = tuple(f"Warning number {number} of a very careful film, with a sentence. " * 3 for number in range(12))
    document = pdf_report.render_pdf(
        np.full(shape, 99, np.uint8), replace(pneumonia, warnings=warnings), MAP, note="W" * 200
    )
    text, pictures = read(document)
    assert pictures == 2
    assert "Warning number 11" in text and "Peribronchial thickening" in text
    assert len(document) < 1_000_000


# The extraction of Arabic has the joined forms of the letters.
TYPED = {
    "Latin, Greek, Cyrillic": ("Łucja Ωμέγα Щукин", "Łucja Ωμέγα Щукин"),
    "an accent of its own": ("Zoe\u0308", "Zoë"),
    "markup": ("<b>&amp;</b> <img src='/x'/>", "<b>&amp;</b> <img src='/x'/>"),
    "lines and control letters": ("a\n\tb\x00c", "a b□c"),
    "Chinese": ("张伟 12", "张伟 12"),
    "Arabic": ("محمد", "ﻣﺤﻤﺪ"),
    "a face": ("😀", "□"),
    "half a letter": ("\ud800", "□"),
}


@pytest.mark.parametrize("kind", TYPED)
def test_what_the_user_typed_in_any_script(large_film: Grey, pneumonia: Prediction, kind: str) -> None:
    typed, printed = TYPED[kind]
    text, _ = read(pdf_report.render_pdf(large_film, pneumonia, MAP, note=typed))
    assert f"Note by the user: {printed}" in text
    assert ("character that no font of the report has" in text) == ("□" in printed)


def test_nothing_of_the_patient_unless_typed(large_film: Grey, pneumonia: Prediction) -> None:
    document = pdf_report.render_pdf(large_film, pneumonia, MAP)
    text, _ = read(document)
    assert "DOE" not in text and "Note by" not in text
    assert "DOE" not in str(PdfReader(io.BytesIO(document)).metadata)


def test_too_long_a_note_is_refused_and_not_quoted(
    large_film: Grey, pneumonia: Prediction, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(UsageError) as caught:
        pdf_report.render_pdf(large_film, pneumonia, MAP, note="JOHN DOE " * 30)
    assert caught.value.message == "The note is too long. Allowed: 200 characters. Received: 269."
    pdf_report.render_pdf(large_film, pneumonia, MAP, note="JOHN DOE")
    assert "DOE" not in caplog.text


def test_the_name_of_a_model_is_no_markup_and_unknown_letters_are_boxes(
    large_film: Grey, pneumonia: Prediction
) -> None:
    odd = replace(pneumonia, model=replace(pneumonia.model, name="<i>模型\udcff"))
    assert "Model <i>模型□" in read(pdf_report.render_pdf(large_film, odd, MAP))[0]


def test_reports_can_be_made_side_by_side(large_film: Grey, pneumonia: Prediction) -> None:
    notes = "ABCDEFGH"
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(lambda note: pdf_report.render_pdf(large_film, pneumonia, MAP, note=note), notes))
    assert all(f"user: {note} " in read(document)[0] for note, document in zip(notes, documents, strict=True))


def test_the_pictures_are_the_film_and_the_overlay(predictor: Predictor, large_film: Grey) -> None:
    film = next(path for path in sources.load_bundle("").examples if "pneumonia" in path.name)
    reading = predictor.read(film)
    document = pdf_report.render_pdf(reading.display(film), predictor.decide(reading), reading.activation)
    (page,) = PdfReader(io.BytesIO(document)).pages
    # The PDF names images by their content, so their order is not fixed.
    shown, overlay = sorted((_pixels(picture.data) for picture in page.images), key=_max_colour_difference)
    assert np.abs(shown[:, :, 0] - reading.display(film)).mean() < 3
    assert _max_colour_difference(shown) < 10 and _max_colour_difference(overlay) > 60


def test_the_overlay_of_a_framed_film_leaves_the_frame_white(large_film: Grey, pneumonia: Prediction) -> None:
    framed = np.pad(large_film, 100, constant_values=255)
    area = Area(100 / 1100, 100 / 900, 1000 / 1100, 800 / 900)
    document = pdf_report.render_pdf(framed, pneumonia, np.ones((18, 18), np.float32), area=area)
    (page,) = PdfReader(io.BytesIO(document)).pages
    overlay = max((_pixels(picture.data) for picture in page.images), key=_max_colour_difference)
    assert overlay[:90].min() > 240
    assert _max_colour_difference(overlay[120:-120, 120:-120]) > 30


def _max_colour_difference(picture: npt.NDArray[np.int64]) -> int:
    return int((picture.max(axis=2) - picture.min(axis=2)).max())


def _pixels(picture: bytes) -> npt.NDArray[np.int64]:
    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGB")).astype(np.int64)


def test_the_report_says_what_the_answer_is_worth_in_the_words_of_the_page(
    predictor: Predictor, large_film: Grey
) -> None:
    model = predictor.models[0]
    options = {"population": "children", "prevalence": 0.05, "probability_at_prevalence": 0.17}
    value = model.predictive_value("Pneumonia", "confirm", 0.05)
    prediction = answer(predictor, "Pneumonia", 0.9, predictive_value=value, **options)
    text, _ = read(pdf_report.render_pdf(large_film, prediction, MAP, bundle=model.bundle))
    scale = answer_text.Scale.of(prediction, model.operating_points["confirm"], model.bundle.calibration)
    assert scale is not None
    for sentence in (
        answer_text.describe_frequency(prediction),
        answer_text.describe_frequency_source(prediction),
        "⚠ " + answer_text.caution_at_prevalence(prediction, model.bundle.calibration.prevalence),
        answer_text.describe_change(prediction, scale),
    ):
        assert len(sentence) > 20 and sentence in text
    assert "P(pneumonia) of this film is 17 %" in text


def test_a_refused_film_has_no_line_and_no_frequency(predictor: Predictor, large_film: Grey) -> None:
    refused = answer(predictor, UNKNOWN, None, reason=Reason("not_a_chest_film"))
    text, _ = read(pdf_report.render_pdf(large_film, refused, None, bundle=predictor.models[0].bundle))
    assert "Of 100 films" not in text and "the answer" not in text.split("What to do next")[0]
