"""HTML for a film that the gate refused: the reason in words, and the film beside the most similar class average."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..evaluation.table import Table
from ..inference.gate_report import GateReport
from ..messages import message
from ..reporting import gate_wording
from .rendering import render


def comparison(report: GateReport) -> str:
    """HTML with the main reason, film and class average in the size that the gate receives, and all measures.

    The pictures are part of the HTML, so that none of them is stored on the server.
    """
    average = report.average if report.has_contrast else None
    return render(
        "comparison.html",
        reason=gate_wording.describe_report(report),
        film=_data_url(_png(report.input_image)),
        average="" if average is None else _data_url(average.path.read_bytes()),
        average_name=gate_wording.average_name(report),
        table=_measures(report),
    )


def _measures(report: GateReport) -> Table:
    """The measures with their limits, from the one that exceeds its limit most; none for a film without contrast."""
    rows = [
        [
            gate_wording.measure_name(measure),
            gate_wording.format_measure(measure.value),
            gate_wording.format_measure(measure.limits.near),
            message("above") if measure.is_exceeded else message("within"),
        ]
        for measure in (report.measures if report.has_contrast else ())
    ]
    head = [message("measure"), message("film"), message("limit"), message("the film is")]
    return Table(message("Measures of the gate; each must be within its limit"), head, rows)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
