"""The algorithm as equipment that contributed to an object, which all kinds of result objects name.

IHE AI Results requires it of every result (supplement AIR, rev. 1.3, volume 3, section 6.5.3.1): of the secondary
capture and the PDF, too, which have no content tree. In the structured report, observer (PS3.16, TID 1004) and
algorithm (TID 4019) have the same values.
"""

from __future__ import annotations

from pydicom import Dataset

from ... import __version__
from . import uids
from .codes import code, code_item
from .film_result import FilmResult

DEFAULT_NAME = "pneumonia"
"""Name of algorithm and manufacturer if the options have none; both attributes need a value here."""


def device_uid(film: FilmResult) -> str:
    """UID of this software at this station, the same for all films."""
    options = film.options
    names = (options.manufacturer, options.model_name, options.institution_name, options.station_name)
    return uids.result_uid(options.uid_root, "device", *names)


def algorithm_name(film: FilmResult) -> str:
    """Name of the algorithm, which is the model name of the equipment."""
    return film.options.model_name or DEFAULT_NAME


def algorithm_parameters(film: FilmResult) -> list[str]:
    """`name=value` for what decides the answer to a film; empty for an error."""
    prediction = film.prediction
    if prediction is None:
        return []
    model = prediction.model
    values = {
        "model": model.name,
        "revision": model.revision,
        "sha256": model.sha256,
        "site": model.site,
        "population": prediction.population,
        "operating_point": prediction.operating_point,
    }
    return [f"{name}={value}" for name, value in values.items() if value is not None]


def algorithm_equipment(film: FilmResult, contribution_time: str) -> Dataset:
    """An item of the Contributing Equipment Sequence (PS3.3, C.12.1); `contribution_time` as a DT value."""
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [code_item(code("processing_equipment"))]
    item.Manufacturer = film.options.manufacturer or DEFAULT_NAME
    item.ManufacturerModelName = algorithm_name(film)
    item.SoftwareVersions = __version__
    item.DeviceUID = device_uid(film)
    item.ContributionDateTime = contribution_time
    item.ContributionDescription = "; ".join(["Classification of the film", *algorithm_parameters(film)])[:1024]
    return item
