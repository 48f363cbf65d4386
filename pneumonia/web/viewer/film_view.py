"""What the viewer gets for a film: a preview at once, then its values and their description."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ... import imaging
from ...imaging import WHOLE, FilmValues, Radiograph, Sides
from ...inference.decision import Failure
from ...inference.reading import Reading
from ...inference.zone_outlines import Polygon, zone_outlines
from ...messages import translate
from ...reporting import zone_wording
from .. import handlers
from ..server import gradio_environment
from ..server.upload import Upload
from . import codes, packing, texts, windows

PREVIEW_FILE, VALUES_FILE = "film.png", "film.values"

_GATE_NOT_RUN = frozenset({"age_not_covered"})
"""Reasons of a refusal without a model input."""


_ACCEPTED_BY_TWO = frozenset({"population_unclear"})
"""Reasons of a refusal of a film that the gates of both models have accepted."""


@dataclass(frozen=True, eq=False)
class ViewedFilm:
    """Session state of the viewer: the source of the film, and its reading; None if the film was read with an error.

    It contains no pixels. The source is the path of an upload, which is deleted after its retention time, or the bytes
    of an example.
    """

    source: Path | bytes
    reading: Reading | None

    @classmethod
    def of(cls, film: Upload | Path | bytes | None, reading: Reading | None) -> ViewedFilm | None:
        """The state for an upload or an example; None without a film."""
        source = film.path if isinstance(film, Upload) else film
        return None if source is None else cls(source, reading)

    @property
    def token(self) -> str:
        """Names the film in the browser, which then keeps zoom and window if the same film is read again."""
        source = self.source if isinstance(self.source, bytes) else str(self.source).encode()
        reading = self.reading
        changes = (0, 0) if reading is None else (reading.inverted, reading.quarters)
        return hashlib.sha256(source + bytes(changes)).hexdigest()[:16]


Parts = tuple[Any, Any, Any]
"""(file of the preview, `sent_description` for the script, file with the values); each may be None or `gr.skip()`."""


def show(film: ViewedFilm | None) -> Iterator[Parts]:
    """Yield the preview of a film, then its values. The film is decoded once.

    Yields nothing to show if there is no film, or if it was deleted or contains no pixels. Both parts have the preview:
    a browser that receives them at once, because its network is slow, shows the last one only.
    """
    if film is None or (isinstance(film.source, Path) and not film.source.exists()):
        yield None, None, None
        return
    values: FilmValues | Failure = handlers.result_or_failure(lambda: imaging.read_values(film.source), None)
    if isinstance(values, Failure):
        yield None, None, None
        return
    if film.reading is not None and film.reading.quarters:
        values = values.upright()
    picture = _store(PREVIEW_FILE, _png(preview(values, film.reading)))
    yield picture, gr.skip(), gr.skip()
    numbers = codes.to_codes(values)
    yield picture, sent_description(describe(film, values, numbers)), _store(VALUES_FILE, packing.pack(numbers.codes))


def sent_description(description: dict[str, Any]) -> dict[str, str]:
    """The description as one text, beside the name of its film, for the hidden JSON component that carries it.

    Gradio makes nodes of the page for each value of a JSON component: 60,000 for a film with lung zones. They took
    longer than the film itself and made each later change of the page slower.
    """
    return {"film": description["film"], "description": json.dumps(description, ensure_ascii=False)}


def preview(values: FilmValues, reading: Reading | None) -> Image.Image:
    """The film as the model received it, but with its frame; at most `handlers.PREVIEW_SIDE` pixels long."""
    is_inverted = reading is not None and reading.inverted
    film = imaging.invert(values.film) if is_inverted else values.film
    image = Image.fromarray(imaging.to_display(film))
    image.thumbnail((handlers.PREVIEW_SIDE, handlers.PREVIEW_SIDE), Image.Resampling.BILINEAR)
    return image


def describe(film: ViewedFilm, values: FilmValues, numbers: codes.Codes) -> dict[str, Any]:
    """The description of a film for the script: layout of its values, windows, lung zones, what the model received."""
    reading = film.reading
    field = None if reading is None else reading.lung_field
    height, width = numbers.codes.shape
    scale = windows.grey_scale(numbers, values.film, field, values.film.area or WHOLE)
    spacing = values.spacing
    return {
        "film": film.token,
        "width": width,
        "height": height,
        "bytes": numbers.codes.dtype.itemsize,
        "first": numbers.first,
        "padding": numbers.padding,
        "factor": numbers.factor,
        "stored": _stored(reading, values),
        "bits": values.bits,
        "kind": values.kind.value,
        "isInverted": scale.is_inverted,
        "windows": [{**window.as_dict(), "name": translate(window.name)} for window in scale.windows],
        "rescale": None if values.rescale is None else list(values.rescale),
        "spacing": None if spacing is None else list(spacing),
        **_sides(values.film, reading),
        **_zones(reading),
        "model": _model_view(film, values),
    }


def _stored(reading: Reading | None, values: FilmValues) -> dict[str, int] | None:
    """Quarter turns by which the film is shown, and its size in the file; None if it is shown as it is stored."""
    if reading is None or not reading.quarters:
        return None
    height, width = values.values.shape[::-1] if reading.quarters % 2 else values.values.shape
    return {"quarters": reading.quarters, "width": width, "height": height}


def _sides(film: Radiograph, reading: Reading | None) -> dict[str, Any]:
    """The letter of the patient's side at the left and at the right of the film, "" if it is unknown, and a note.

    Sides are assumed only for what a gate has accepted: a lateral film or a photograph has none.
    """
    film = film if reading is None else reading.film
    sides = Sides.UNKNOWN if film.turn is not None else film.sides
    if sides is Sides.ASSUMED and not _is_accepted(reading):
        sides = Sides.UNKNOWN
    letters = {"right": ("R", "L"), "left": ("L", "R"), "": ("", "")}[sides.at_left]
    return {"sides": list(letters), "sidesNote": translate(zone_wording.SIDES[sides])}


def _is_accepted(reading: Reading | None) -> bool:
    """Whether a gate has recognised the film as a frontal chest film."""
    if reading is None:
        return False
    return reading.refusal is None or reading.refusal.code in _ACCEPTED_BY_TWO


def _zones(reading: Reading | None) -> dict[str, Any]:
    """Outlines of the lung zones, for films that the model was run on."""
    if reading is None or reading.activation is None:
        return {"zones": None, "zonesNote": ""}
    outlines = zone_outlines(reading.lung_field, reading.area, reading.sides)
    zones = [
        {
            "name": translate(texts.zone_name(zone)),
            "polygons": [[(round(x, 4), round(y, 4)) for x, y in polygon] for polygon in polygons],
            "middle": _middle(polygons),
        }
        for zone, polygons in outlines.polygons.items()
        if polygons
    ]
    return {"zones": zones, "zonesNote": translate(texts.OWN_ZONES if outlines.is_own else texts.FIXED_ZONES)}


def _middle(polygons: list[Polygon]) -> tuple[float, float]:
    """The middle of the largest polygon's corners, where its name is written."""
    corners = np.array(max(polygons, key=len))
    x, y = corners.mean(axis=0).round(4).tolist()
    return x, y


def _model_view(film: ViewedFilm, values: FilmValues) -> dict[str, Any] | None:
    """The part of the film that the model received, whether it was inverted, and the input as a PNG."""
    reading = film.reading
    if reading is None or (reading.refusal is not None and reading.refusal.code in _GATE_NOT_RUN):
        return None
    # A large JPEG is scored at reduced size.
    scored = imaging.read(film.source) if values.film.format == "JPEG" else values.film
    model_input = imaging.to_input(imaging.invert(scored) if reading.inverted else scored)
    picture = _png(Image.fromarray(model_input[:, :, 0]))
    area = reading.area
    return {
        "area": [area.left, area.top, area.right, area.bottom],
        "isInverted": reading.inverted,
        "input": f"data:image/png;base64,{base64.b64encode(picture).decode()}",
    }


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _store(name: str, content: bytes) -> str:
    """Write a file to the folder of the uploads, in a folder whose name nobody can guess; return the path.

    Gradio and `server.upload_storage` delete the file after the retention time.
    """
    folder = Path(gradio_environment.upload_folder()) / secrets.token_hex(32)
    folder.mkdir(parents=True)
    path = folder / name
    path.write_bytes(content)
    return str(path)
