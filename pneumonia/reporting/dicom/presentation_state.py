"""Presentation state: outlines of the lung zones and a short text, which a viewer draws over the film itself.

Grayscale Softcopy Presentation State (PS3.3, section A.33.1), or Color Softcopy Presentation State (A.33.2) for a film
in colour. Unlike in the secondary capture, the film keeps its resolution and its window, and the viewer can hide what
is drawn.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import ImageCms
from pydicom import Dataset

from ...errors import UnsupportedDicom
from ...inference.decision import LABEL_NAMES
from ...languages import use_language
from ...messages import message, translate
from .. import wording, zone_table, zone_wording
from ..result_lines import NO_ANSWER, NOTICE
from . import object_header, patient_study, spacing
from .film_result import FilmResult
from .presentation_values import transformations
from .zone_regions import image_size, largest, zone_polygons

if TYPE_CHECKING:
    from highdicom.pr import GraphicAnnotation, GraphicLayer, TextObject

KIND = "presentation-state"
LABEL = "AI_RESULT"
"""ContentLabel, a code string of at most 16 characters, by which viewers list presentation states."""

_COLOURS = {"ZONES": (120, 200, 255), "AI_RESULT": (255, 199, 64)}
"""Graphic layers with their colours in sRGB: those of the secondary capture."""

_TEXT_BOX = (0.02, 0.02, 0.6, 0.14)
"""Left, top, right and bottom of the text as shares of the displayed area."""

_ICC_CLASS, _ICC_DATE, _ICC_IDENTIFIER = slice(12, 16), slice(24, 36), slice(84, 100)
"""Fields of the header of a profile (ICC.1:2022, 7.2)."""

_ICC_FIRST_DAY = b"\x07\xd0\0\1\0\1" + bytes(6)
"""The first of January 2000, so that the same film gives the same object."""

_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")


def create_presentation_state(film: FilmResult) -> Dataset:
    """The zones and the answer as annotations of the source film.

    Zones are drawn where the answer names shares of them; else there is only the text. Raises `UnsupportedDicom` if the
    source does not state its numbers of rows and columns, to which the positions refer.
    """
    from highdicom import pr

    image = _referenced_image(film)
    with use_language(film.options.language):
        layers = _layers()
        annotations = _annotations(film, image, layers)
        description = translate(NOTICE)
    arguments: dict[str, Any] = {
        **object_header.identity_arguments(film, KIND),
        "referenced_images": [image],
        "manufacturer_model_name": None,
        "software_versions": None,
        "device_serial_number": None,
        "content_label": LABEL,
        "content_description": description,
        "graphic_layers": layers,
        "graphic_annotations": annotations,
    }
    state: Dataset
    if film.source.header.get("PhotometricInterpretation") in _MONOCHROME:
        state = pr.GrayscaleSoftcopyPresentationState(**arguments, **transformations(film))
    else:
        image.SamplesPerPixel = 3  # a palette has one, and is displayed in colour all the same
        state = pr.ColorSoftcopyPresentationState(**arguments, icc_profile=_srgb_profile())
    patient_study.restore_class(state, film.source)
    object_header.complete_header(state, film)
    object_header.add_region(state, film)
    _complete(state, film)
    return state


def _referenced_image(film: FilmResult) -> Dataset:
    """What highdicom needs to know of the film: identifiers and size, and no attribute that it would refuse."""
    source, image = film.source.header, Dataset()
    columns, rows = image_size(film)
    if rows < 1 or columns < 1:
        raise UnsupportedDicom(
            message(
                "The film cannot have a presentation state, because the DICOM file does not state its numbers of rows "
                "and columns."
            )
        )
    image.SOPClassUID = patient_study.STAND_IN_CLASS
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        image[keyword] = source[keyword]
    image.Rows, image.Columns, image.SamplesPerPixel = rows, columns, 1
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
        setattr(image, keyword, None)
    image.StudyDate = image.StudyTime = None
    return image


@cache
def _srgb_profile() -> bytes:
    """The profile of the colours, which the object requires: sRGB, as viewers assume for films without one.

    DICOM requires the class of an input device (PS3.3, C.11.15.1.1); Pillow's profile, with the same content, is that
    of a display. Its date, and its identifier, which depends on both, are not set.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_ICC_CLASS] = b"scnr"
    profile[_ICC_DATE] = _ICC_FIRST_DAY
    profile[_ICC_IDENTIFIER] = bytes(16)
    return bytes(profile)


def _layers() -> list[GraphicLayer]:
    from highdicom.color import CIELabColor
    from highdicom.pr import GraphicLayer

    return [
        GraphicLayer(name, order, display_color=CIELabColor.from_rgb(*colour))
        for order, (name, colour) in enumerate(_COLOURS.items(), start=1)
    ]


def _annotations(film: FilmResult, image: Dataset, layers: list[GraphicLayer]) -> list[GraphicAnnotation]:
    from highdicom.pr import GraphicAnnotation

    zones, result = layers
    answer = GraphicAnnotation([image], result, text_objects=[_answer(film)])
    outlines = _zone_annotation(film, image, zones)
    return [answer] if outlines is None else [answer, outlines]


def _answer(film: FilmResult) -> TextObject:
    """Notice, label, P(pneumonia) and reason, at the top left of the displayed area."""
    from highdicom.pr import TextObject

    return TextObject(
        "\r\n".join(_text_lines(film))[:1024], "DISPLAY", bounding_box=_TEXT_BOX, text_justification="LEFT"
    )


def _text_lines(film: FilmResult) -> list[str]:
    prediction = film.prediction
    if prediction is None:
        assert film.failure is not None
        error = film.failure.error
        return [translate(text) for text in (NOTICE, NO_ANSWER, error.message, error.code)]
    answer = [translate(LABEL_NAMES[prediction.label])]
    if prediction.probability is not None:
        answer.append(translate(wording.format_p_pneumonia(prediction)))
    lines = [translate(NOTICE), ", ".join(answer)]
    if prediction.reason is not None:
        lines.append(translate(prediction.reason.message))
    if prediction.zone_shares is not None:
        in_lungs = film.reading is not None and film.reading.lung_field is not None
        lines.append(translate(zone_wording.WORDS[in_lungs].share_by_zone))
    return lines


def _zone_annotation(film: FilmResult, image: Dataset, layer: GraphicLayer) -> GraphicAnnotation | None:
    """The outlines of the six zones in pixels of the source, with the share of each; None without shares."""
    from highdicom.pr import GraphicAnnotation, GraphicObject, TextObject

    prediction = film.prediction
    if prediction is None or prediction.zone_shares is None:
        return None
    graphics, texts = [], []
    for zone, polygons in zone_polygons(film).items():
        if polygons:
            share = translate(zone_table.format_share(prediction.zone_shares[zone]))
            middle = tuple(largest(polygons)[:-1].mean(axis=0).tolist())
            texts.append(TextObject(share, "PIXEL", anchor_point=middle, anchor_point_visible=False))
            graphics += [GraphicObject("POLYLINE", points, "PIXEL") for points in polygons]
    return GraphicAnnotation([image], layer, graphic_objects=graphics, text_objects=texts) if graphics else None


def _complete(state: Dataset, film: FilmResult) -> None:
    """The time, the frame to which everything refers, and the proportions of the source's pixels."""
    state.PresentationCreationDate, state.PresentationCreationTime = state.SeriesDate, state.SeriesTime
    if film.source.is_multiframe:
        references = [*state.ReferencedSeriesSequence, *state.GraphicAnnotationSequence]
        for item in references:
            item.ReferencedImageSequence[0].ReferencedFrameNumber = 1
    rows, columns = spacing.pixel_proportions(film.source.header)
    if rows != columns:
        area = state.DisplayedAreaSelectionSequence[0]
        area.PresentationPixelAspectRatio = [rows, columns]
    if film.reading is not None and film.reading.quarters:
        _show_upright(state, film.reading.quarters, image_size(film))


def _show_upright(state: Dataset, quarters: int, size: tuple[int, int]) -> None:
    """The rotation with which the model received the film (PS3.3, C.10.6), and the corners after it (C.10.4).

    The corners are given in columns and rows of the stored image. A mirrored film is shown as it is stored, as viewers
    do.
    """
    state.ImageRotation = 360 - 90 * quarters
    state.ImageHorizontalFlip = "N"
    columns, rows = size
    corners = {1: ((columns, 1), (1, rows)), 2: ((columns, rows), (1, 1)), 3: ((1, rows), (columns, 1))}[quarters]
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = map(list, corners)
