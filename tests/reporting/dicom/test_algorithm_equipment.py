"""Each result object names the algorithm as Contributing Equipment, as IHE AI Results requires."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from pydicom import Dataset, dcmread

from pneumonia import Predictor, __version__
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import Failure
from pneumonia.reporting.dicom.encapsulated_pdf import create_encapsulated_pdf
from pneumonia.reporting.dicom.film_result import FilmResult
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.presentation_state import create_presentation_state
from pneumonia.reporting.dicom.secondary_capture import create_secondary_capture
from pneumonia.reporting.dicom.structured_report import create_structured_report
from tests.support.film_results import encode, film_result
from tests.support.source_films import hospital_film

CREATORS: list[Callable[[FilmResult], Dataset]] = [
    create_structured_report,
    create_secondary_capture,
    create_presentation_state,
    create_encapsulated_pdf,
]


def algorithm_of(dataset: Dataset) -> Dataset:
    """The item of the algorithm; there may be one of the library that wrote the object."""
    (item,) = [each for each in dataset.ContributingEquipmentSequence if "DeviceUID" in each]
    assert isinstance(item, Dataset)
    assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    return item


@pytest.mark.parametrize("create", CREATORS)
def test_each_kind_names_the_algorithm_and_its_model(
    predictor: Predictor, create: Callable[[FilmResult], Dataset]
) -> None:
    film = film_result(predictor, hospital_film())
    assert film.prediction is not None
    item = algorithm_of(dcmread(io.BytesIO(encode(create(film)))))
    assert (item.Manufacturer, item.ManufacturerModelName) == ("pneumonia (open source)", "Chest-film assistant")
    assert item.SoftwareVersions == __version__
    assert f"sha256={film.prediction.model.sha256}" in item.ContributionDescription


def test_the_content_tree_has_the_same_values(predictor: Predictor) -> None:
    """Observer (TID 1004) and algorithm (TID 4019): AIR, table 6.5.3.1-1."""
    report = create_structured_report(film_result(predictor, hospital_film()))
    item = algorithm_of(report)
    texts = {
        (element.ConceptNameCodeSequence[0].CodeMeaning, str(element.get("TextValue") or element.get("UID")))
        for element in _content(report)
        if "TextValue" in element or "UID" in element
    }
    assert {
        ("Device Observer Manufacturer", item.Manufacturer),
        ("Device Observer Model Name", item.ManufacturerModelName),
        ("Device Observer UID", item.DeviceUID),
        ("Algorithm Name", item.ManufacturerModelName),
        ("Algorithm Version", item.SoftwareVersions),
    } <= texts


def _content(item: Dataset) -> list[Dataset]:
    children = list(item.get("ContentSequence", []))
    return children + [descendant for child in children for descendant in _content(child)]


def test_equipment_without_names_and_an_error_have_a_valid_item(predictor: Predictor) -> None:
    options = ResultOptions(manufacturer="", model_name="")
    failure = Failure(None, UnreadableImage("damaged"))
    item = algorithm_of(
        create_structured_report(film_result(predictor, hospital_film(), options=options, failure=failure))
    )
    assert item.Manufacturer == item.ManufacturerModelName == "pneumonia"
    assert item.ContributionDescription == "Classification of the film"
