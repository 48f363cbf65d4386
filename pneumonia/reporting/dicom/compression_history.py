"""Lossy compression of the film before it was read, which derived images must state (PS3.3, C.7.6.1.1.5)."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.valuerep import DSfloat

from .film_result import FilmResult

LOSSY_METHODS = {
    **dict.fromkeys(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"), "ISO_10918_1"),
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
    **dict.fromkeys(("1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.93"), "ISO_15444_1"),
    "1.2.840.10008.1.2.4.203": "ISO_15444_15",
}
"""Transfer syntax that allows loss -> LossyImageCompressionMethod (PS3.3, C.7.6.1.1.5.1)."""


def add_compression_history(image: Dataset, film: FilmResult) -> None:
    """Copy what the source states about lossy compression, completed by its transfer syntax."""
    source = film.source.header
    method = LOSSY_METHODS.get(film.source.transfer_syntax)
    stated = source.get("LossyImageCompression")
    if stated != "01" and method is None:
        if stated == "00":
            image.LossyImageCompression = "00"
        return
    image.LossyImageCompression = "01"
    ratio = source.get("LossyImageCompressionRatio")
    if ratio is None and method is not None:
        ratio = _ratio(source, film.source.pixel_bytes)
    if ratio is not None:
        image.LossyImageCompressionRatio = ratio
    methods = source.get("LossyImageCompressionMethod") or method
    if methods is not None:
        image.LossyImageCompressionMethod = methods


def _ratio(source: Dataset, compressed_bytes: int) -> DSfloat | None:
    """The ratio of the sizes of the pixels with and without the compression of the file."""
    counts = [source.get(keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    if compressed_bytes == 0 or not all(counts):
        return None
    rows, columns, samples, bits = (int(count) for count in counts)
    frames = int(source.get("NumberOfFrames") or 1)
    return DSfloat(max(1.0, rows * columns * samples * bits * frames / 8 / compressed_bytes), auto_format=True)
