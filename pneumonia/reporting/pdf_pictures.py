"""The pictures of the PDF report: the film, the film with its map, and for a refused film the most similar average."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..imaging import Area
from ..inference import map_overlay
from ..inference.decision import CLASSES, Prediction
from ..inference.gate_report import GateReport
from ..inference.graph import Activation, LungField
from ..messages import message, translate
from . import gate_wording, zone_wording
from .pdf_text import markup

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Flowable

PICTURE_SIDE = 1200
"""Maximum longest side in pixels of a picture in the report: 340 dpi at its printed size."""


def pictures_of(
    film: npt.NDArray[np.uint8],
    prediction: Prediction,
    activation: Activation | None,
    area: Area,
    lung_field: LungField | None,
) -> dict[str, Image.Image]:
    """The pictures by caption: the film, and the overlay with the map.

    Normal has no overlay, because even at a low score the map would highlight some area.
    """
    image = reduced(film)
    pictures = {translate(message("The film as analysed")): image}
    if activation is not None and prediction.label != CLASSES[0]:
        caption = zone_wording.WORDS[lung_field is not None].caption
        overlay = map_overlay.overlay(np.asarray(image), activation, area=area, lung_field=lung_field)
        pictures[translate(caption)] = overlay
    return pictures


def reduced(film: npt.NDArray[np.uint8]) -> Image.Image:
    """The film `[H, W]` at a size of at most `PICTURE_SIDE` pixels."""
    image = Image.fromarray(film)
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BILINEAR)
    return image


def average_of(gate: GateReport | None) -> dict[str, Image.Image]:
    """The class average that a refused film resembles most, by its caption."""
    if gate is None or gate.average is None or not gate.has_contrast:
        return {}
    with Image.open(gate.average.path) as average:
        return {gate_wording.average_name(gate): average.convert("L")}


def pictures_side_by_side(
    pictures: dict[str, Image.Image], width: float, caption_style: ParagraphStyle
) -> list[Flowable]:
    """Two pictures at most, side by side in `width` points, each above its caption."""
    from reportlab.platypus import Paragraph, Spacer, Table

    side = width / 2 - 6
    cells = [_scaled_image(picture, side, 0.9 * side) for picture in pictures.values()]
    texts = [Paragraph(markup(caption), caption_style) for caption in pictures]
    return [Table([cells, texts], colWidths=[width / 2] * len(cells), hAlign="LEFT", style=_cell_style()), Spacer(0, 4)]


def _scaled_image(picture: Image.Image, width: float, height: float) -> Flowable:
    """The picture at the largest size that fits into `width` x `height` points.

    It is a JPEG, because a greyscale film as PNG would make the page several megabytes large.
    """
    from reportlab.platypus import Image as ReportImage

    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    scale = min(width / picture.width, height / picture.height)
    return ReportImage(buffer, picture.width * scale, picture.height * scale, hAlign="LEFT")


def _cell_style() -> list[tuple[Any, ...]]:
    sides = ("LEFTPADDING", "RIGHTPADDING", "BOTTOMPADDING")
    return [("VALIGN", (0, 0), (-1, -1), "BOTTOM"), *((side, (0, 0), (-1, -1), 2) for side in sides)]
