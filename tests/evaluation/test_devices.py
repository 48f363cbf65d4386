"""Simulated devices, removal of letters, and the answers that they change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from pneumonia import Predictor
from pneumonia.evaluation.bright_letters import blank_letters, letter_mask
from pneumonia.evaluation.device_audit import device_audit
from pneumonia.evaluation.simulated_devices import DEVICES, add_device
from tests.support.made_models import MadeModel, lungs, made_films, reader_of

Grey = npt.NDArray[np.uint8]


def with_letter(film: Grey, place: tuple[int, int] = (12, 20)) -> Grey:
    image = Image.fromarray(film.copy())
    ImageDraw.Draw(image).text(place, "R", fill=230, font=ImageFont.load_default(size=11))
    return np.asarray(image)


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_brightens_a_small_part_and_differs_between_films(name: str, normal_film: Grey) -> None:
    first, second = add_device(normal_film, name, 0), add_device(normal_film, name, 1)
    assert np.array_equal(first, add_device(normal_film, name, 0))
    assert not np.array_equal(first, second)
    changed = first != normal_film
    assert 0.001 < changed.mean() < 0.3
    assert first.astype(int)[changed].mean() > normal_film.astype(int)[changed].mean() + 10


def test_a_letter_is_removed_and_the_rest_of_the_film_is_not_changed() -> None:
    film = np.full((150, 150), 40, np.uint8)
    lettered = with_letter(film)
    restored = blank_letters(lettered)
    np.testing.assert_allclose(restored.astype(int), film, atol=12)
    untouched = ~letter_mask(lettered)
    np.testing.assert_array_equal(restored[untouched], lettered[untouched])


def test_what_continues_or_lies_inside_is_no_letter() -> None:
    rib = np.full((150, 150), 60, np.uint8)
    rib[20:24] = 180
    assert not letter_mask(rib).any()
    assert not letter_mask(with_letter(np.full((150, 150), 40, np.uint8), (70, 70))).any()
    plain = np.full((150, 150), 100, np.uint8)
    assert blank_letters(plain) is plain


def test_devices_change_no_answer_of_a_model_that_reads_nothing(predictor: Predictor) -> None:
    model = MadeModel(predictor.models[0].bundle, lambda film: 0.9, np.ones((12, 12), np.float32))
    entry = device_audit(model, made_films(), quiet=True)
    assert list(entry["drawn"]) == list(DEVICES)
    for row in entry["drawn"].values():
        assert (row["same"]["value"], row["missed"], row["raised"]) == (1.0, 0, 0)
        assert row["auroc"]["value"] == row["normal_only"]["value"] == 0.5
    assert entry["letters_blanked"]["count"] == 0


def test_a_model_that_reads_brightness_is_misled_by_devices_in_one_class(predictor: Predictor) -> None:
    """The lungs of all films are equal, so what is brighter is the film with devices."""
    films = made_films()
    films.inputs[:] = 90
    entry = device_audit(reader_of(predictor.models[0].bundle, lungs()), films, quiet=True)
    row = entry["drawn"]["all devices"]
    assert entry["baseline"]["auroc"]["value"] == 0.5
    assert (row["pneumonia_only"]["value"], row["normal_only"]["value"]) == (1.0, 0.0)


def test_blanked_letters_are_counted_by_class_and_change_a_reader_of_letters(predictor: Predictor) -> None:
    films = made_films()
    films.inputs[:] = 40
    for index in np.flatnonzero(films.labels == 1):
        films.inputs[index] = with_letter(films.inputs[index])
    model = MadeModel(predictor.models[0].bundle, lambda film: float(film.max() > 150), np.ones((12, 12), np.float32))
    entry = device_audit(model, films, quiet=True)["letters_blanked"]
    assert entry["count"] == 4
    assert (entry["normal_with_letters"]["value"], entry["pneumonia_with_letters"]["value"]) == (0.0, 1.0)
    assert (entry["missed"], entry["same"]["value"]) == (4, 0.0)
