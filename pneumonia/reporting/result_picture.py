"""The result as one picture: the film with its activation map and lung zones, the answer, and the notice.

A picture is what every viewer of a PACS can show. It is no image for diagnosis: the film is reduced, and what is drawn
hides parts of it. It contains no data of the patient except the age that was used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..imaging import Sides
from ..inference import explain, map_overlay
from ..inference.decision import CLASSES, UNKNOWN, Failure, Prediction
from ..inference.model import Model
from ..inference.reading import Reading
from ..inference.zone_outlines import zone_outlines
from ..messages import join, translate
from . import reading_guide, wording, zone_table, zone_wording
from .picture_table import RULE, draw_table
from .picture_text import Colour, TextStyle, draw_line, line_width, lines_of
from .result_lines import NOTICE, ResultLines, result_lines

WIDTH = 960
"""Width of a picture in pixels, and the longest side of its film: as much as the viewport of a monitor of 3 megapixels
with two columns shows. A picture takes 3 to 4 MB without compression."""

MARGIN, GAP = 20, 10
"""Distance from the edge, and between paragraphs, in pixels."""

TABLE_WIDTH = 330
"""Width of the table of the zones, beside the sentences."""

BACKGROUND: Colour = (0, 0, 0)
INK: Colour = (232, 234, 238)
DIM: Colour = (168, 173, 183)
NOTICE_INK: Colour = (20, 16, 0)
NOTICE_BAND: Colour = (255, 199, 64)
LABEL_COLOURS: dict[str, Colour] = {CLASSES[0]: (140, 208, 255), CLASSES[1]: (255, 173, 102), UNKNOWN: (214, 218, 226)}
"""Colours that are readable on black; mark and word convey the label without colour."""

ZONE_COLOUR = map_overlay.OUTLINE_COLOUR
_NOTICE = TextStyle(24, NOTICE_INK, is_bold=True)
_HEADING_SIZE, _VALUE_SIZE = 44, 30
_REASON = TextStyle(22, INK)
_DETAIL = TextStyle(18, INK)
_CELL = TextStyle(17, INK)
_SMALL = TextStyle(14, DIM)
_LETTER = TextStyle(26, ZONE_COLOUR, is_bold=True)


@dataclass(frozen=True)
class ResultPicture:
    """A picture, RGB `[H, W, 3]`, and how many of its pixels a pixel of the film takes; None without a film."""

    pixels: npt.NDArray[np.uint8]
    scale: float | None


def draw_result(
    film: npt.NDArray[np.uint8] | None,
    result: Prediction | Failure,
    reading: Reading | None,
    model: Model | None,
    created_at: datetime,
) -> ResultPicture:
    """Draw a result in the language of the request.

    `film` `[H, W]` is the film for display at its own size, as of `Reading.display`; None if it cannot be read.
    `reading` is that of `result`, None for a failure; `model` that of `Prediction.model`. `created_at` is shown with
    its time zone.
    """
    lines = result_lines(result, model, created_at)
    header = _header(lines)
    body, scale = (None, None) if film is None else _film(film, result, reading)
    footer = _footer(lines, result, reading)
    parts = [part for part in (header, body, footer) if part is not None]
    picture = Image.new("RGB", (WIDTH, sum(part.height for part in parts)), BACKGROUND)
    top = 0
    for part in parts:
        picture.paste(part, ((WIDTH - part.width) // 2, top))
        top += part.height
    return ResultPicture(np.asarray(picture), scale)


def _header(lines: ResultLines) -> Image.Image:
    """The notice, the label with P(pneumonia), and what must stand beside it."""
    parts = [_notice(), _answer(lines)]
    if lines.reasons:
        reasons = [(lines_of(reason, WIDTH - 2 * MARGIN, _REASON), _REASON) for reason in lines.reasons]
        parts.append(_column(reasons, WIDTH - 2 * MARGIN))
    image = Image.new("RGB", (WIDTH, sum(part.height for part in parts)), BACKGROUND)
    top = 0
    for part in parts:
        image.paste(part, ((WIDTH - part.width) // 2, top))
        top += part.height
    return image


def _notice() -> Image.Image:
    """The notice on its band, in the middle of each line."""
    lines = lines_of(NOTICE, WIDTH - 2 * MARGIN, _NOTICE)
    band = Image.new("RGB", (WIDTH, len(lines) * _NOTICE.line_height + 12), NOTICE_BAND)
    for number, line in enumerate(lines):
        draw_line(band, ((WIDTH - line_width(line, _NOTICE)) / 2, 4 + number * _NOTICE.line_height), line, _NOTICE)
    return band


def _answer(lines: ResultLines) -> Image.Image:
    """The label, and P(pneumonia) beside it, or below it where a language needs more room."""
    label = TextStyle(_HEADING_SIZE, LABEL_COLOURS.get(lines.label, INK), is_bold=True)
    heading = " ".join(filter(None, (wording.MARKS.get(lines.label, ""), translate(lines.heading))))
    value, style = translate(lines.value), TextStyle(_VALUE_SIZE, INK)
    left = MARGIN + round(line_width(heading, label)) + 2 * GAP
    is_below = left + line_width(value, style) > WIDTH - MARGIN
    height = label.line_height + GAP + (style.line_height if is_below else 0)
    image = Image.new("RGB", (WIDTH, height), BACKGROUND)
    draw_line(image, (MARGIN, 4), heading, label)
    place = (MARGIN, label.line_height) if is_below else (left, 4 + _HEADING_SIZE - _VALUE_SIZE)
    draw_line(image, place, value, style)
    return image


def _film(
    film: npt.NDArray[np.uint8], result: Prediction | Failure, reading: Reading | None
) -> tuple[Image.Image, float]:
    """(the film with map and zones, picture pixels per film pixel)."""
    image = Image.fromarray(film)
    scale = WIDTH / max(image.size)
    size = max(1, round(scale * image.width)), max(1, round(scale * image.height))
    if scale <= 0.5:
        image = image.reduce(int(1 / scale))
    image = image.resize(size, Image.Resampling.BILINEAR)
    if isinstance(result, Failure) or result.zone_shares is None or reading is None or reading.activation is None:
        picture = image.convert("RGB")
    else:
        picture = map_overlay.overlay(np.asarray(image), reading.activation, area=reading.area)
        _draw_zones(picture, result.zone_shares, reading)
    if reading is not None:
        _draw_sides(picture, reading.sides)
    return picture, scale


def _draw_sides(image: Image.Image, sides: Sides) -> None:
    """The letters of the patient's sides, if the header states them: an assumption must not look like a side marker."""
    if sides in {Sides.ASSUMED, Sides.UNKNOWN}:
        return
    left, right = (translate(zone_wording.SIDE_LETTERS[side]) for side in zone_wording.sides_in_image(sides))
    draw_line(image, (MARGIN, GAP), left, _LETTER)
    draw_line(image, (image.width - MARGIN - line_width(right, _LETTER), GAP), right, _LETTER)


def _draw_zones(image: Image.Image, shares: dict[str, float], reading: Reading) -> None:
    """Outline the six zones; that with the largest share, if one is named in words, with a thicker line."""
    strongest = (explain.strongest_zone(shares) or "").replace(" ", "_")
    draw = ImageDraw.Draw(image)
    outlines = zone_outlines(reading.lung_field, reading.area, reading.sides).polygons
    for zone in sorted(outlines, key=lambda name: name == strongest):
        width = 4 if zone == strongest else 2
        for polygon in outlines[zone]:
            points = [(x * image.width, y * image.height) for x, y in polygon]
            draw.line([*points, points[0]], ZONE_COLOUR, width, joint="curve")


def _footer(lines: ResultLines, result: Prediction | Failure, reading: Reading | None) -> Image.Image:
    """The sentences about the answer, beside them the table of the zones; below them disclaimer, model and time."""
    table = _zone_table(result, reading)
    width = WIDTH - 2 * MARGIN
    beside = width if table is None else width - table.width - 2 * GAP
    details = _column([(lines_of(detail, beside, _DETAIL), _DETAIL) for detail in lines.details], beside)
    disclaimer = translate(wording.DISCLAIMER).replace("**", "")
    small = _column([(lines_of(text, width, _SMALL), _SMALL) for text in (disclaimer, join(lines.identity))], width)
    rule = max(details.height, 0 if table is None else table.height) + GAP
    image = Image.new("RGB", (WIDTH, rule + GAP + small.height + MARGIN), BACKGROUND)
    image.paste(details, (MARGIN, GAP))
    if table is not None:
        image.paste(table, (WIDTH - MARGIN - table.width, GAP))
    ImageDraw.Draw(image).line((MARGIN, rule, WIDTH - MARGIN, rule), RULE)
    image.paste(small, (MARGIN, rule + GAP))
    return image


def _column(paragraphs: list[tuple[list[str], TextStyle]], width: int) -> Image.Image:
    """Paragraphs below each other."""
    height = sum(len(lines) * style.line_height + GAP for lines, style in paragraphs)
    image = Image.new("RGB", (width, max(1, height)), BACKGROUND)
    y = 0
    for lines, style in paragraphs:
        for line in lines:
            draw_line(image, (0, y), line, style)
            y += style.line_height
        y += GAP
    return image


def _zone_table(result: Prediction | Failure, reading: Reading | None) -> Image.Image | None:
    """The shares of the zones, below them where the map is strongest; None without a map."""
    if isinstance(result, Failure) or reading is None:
        return None
    in_lungs = reading.lung_field is not None
    rows = zone_table.rows(result, in_lungs=in_lungs)
    if not rows:
        return None
    table = draw_table([[translate(cell) for cell in row] for row in rows], TABLE_WIDTH, _CELL)
    location = reading_guide.describe_location(result, in_lungs=in_lungs)
    caption = _column([(lines_of(location, TABLE_WIDTH, _SMALL), _SMALL)], TABLE_WIDTH)
    image = Image.new("RGB", (TABLE_WIDTH, table.height + GAP + caption.height), BACKGROUND)
    image.paste(table, (0, 0))
    image.paste(caption, (0, table.height + GAP))
    return image
