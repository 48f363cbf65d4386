"""Secondary capture: the result as a colour image that every viewer of a PACS can show (PS3.3, section A.8.1).

The picture is that of `result_picture`. It is derived from the film, in the same study and in a series of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.multival import MultiValue

from ... import __version__
from ...imaging import Sides
from ...languages import use_language
from ..result_lines import NOTICE
from ..result_picture import ResultPicture, draw_result
from . import object_header, patient_study
from .codes import code, code_item
from .compression_history import add_compression_history
from .film_picture import film_pixels
from .film_result import FilmResult
from .spacing import add_spacing

if TYPE_CHECKING:
    from pydicom import Dataset

KIND = "secondary-capture"

DERIVATION = (
    "Film reduced or enlarged to 8 bits; activation map, outlines of the lung zones and text of the result drawn on it"
)
"""DerivationDescription (ST), in English as all descriptions of processing."""

_ORIENTATION = ("L", "F")
"""highdicom requires one; it is replaced by that of the source, which may be unknown (type 2C)."""


def create_secondary_capture(film: FilmResult) -> Dataset:
    """The picture of a result as a Secondary Capture Image, uncompressed, in Explicit VR Little Endian.

    An error has a picture too, which says so. Texts are in `film.options.language`.
    """
    from highdicom.sc import SCImage

    with use_language(film.options.language):
        picture = draw_result(
            film_pixels(film), film.result, film.reading, film.model, patient_study.creation_time(film)
        )
    image: Dataset = SCImage(
        pixel_array=picture.pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=_ORIENTATION,
        study_instance_uid=film.source.study_instance_uid,
        **object_header.identity_arguments(film, KIND),
    )
    object_header.complete_header(image, film)
    _add_geometry(image, film, picture)
    _add_derivation(image, film)
    _add_capture(image, film)
    return image


def _add_geometry(image: Dataset, film: FilmResult, picture: ResultPicture) -> None:
    """Body part, laterality, orientation and spacing as those of the film, which is drawn as the model received it."""
    image.PatientOrientation = None if picture.scale is None else _orientation(film)
    object_header.add_region(image, film)
    quarters = 0 if film.reading is None else film.reading.quarters
    add_spacing(image, film.source.header, picture.scale, is_sideways=quarters % 2 == 1)


def _orientation(film: FilmResult) -> list[str] | None:
    """Directions of rows and columns of the film as it is drawn; None if the header states none that can be trusted."""
    reading, stated = film.reading, film.source.header.get("PatientOrientation")
    if reading is None or reading.sides in {Sides.ASSUMED, Sides.UNKNOWN}:
        return None
    is_drawn_as_stored = not reading.quarters and isinstance(stated, MultiValue) and len(stated) == 2
    return list(stated) if is_drawn_as_stored else ["R" if reading.sides is Sides.MIRRORED else "L", "F"]


def _add_derivation(image: Dataset, film: FilmResult) -> None:
    """The film as the source of the picture (PS3.3, C.7.6.1.1.3 and C.7.6.1.1.4)."""
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.DerivationDescription = DERIVATION
    image.DerivationCodeSequence = [code_item(code("spatial_resampling"))]
    image.SourceImageSequence = [object_header.source_image(film)]
    image.ReferencedImageSequence = [object_header.source_reference(film)]
    image.ImageComments = str(NOTICE)
    # The picture shows the date of the result and what is burned into the film, such as a name.
    image.BurnedInAnnotation = "YES"
    image.RecognizableVisualFeatures = "NO"
    add_compression_history(image, film)


def _add_capture(image: Dataset, film: FilmResult) -> None:
    """The software that drew the picture, in the terms of the modules SC Equipment and SC Image (C.8.6.1, C.8.6.2)."""
    image.ConversionType = "WSD"
    image.DateOfSecondaryCapture = image.ContentDate
    image.TimeOfSecondaryCapture = image.ContentTime
    image.SecondaryCaptureDeviceManufacturer = film.options.manufacturer
    image.SecondaryCaptureDeviceManufacturerModelName = film.options.model_name
    image.SecondaryCaptureDeviceSoftwareVersions = __version__
