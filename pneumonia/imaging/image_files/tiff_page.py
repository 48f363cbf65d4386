"""Choice of the page of a TIFF that holds the film, and its layout with damaged or missing tags completed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import UnreadableImage, UnsupportedFormat
from ...messages import message
from . import orientation
from .orientation import Orientation
from .tiff_directory import Directory, chain, read_header
from .tiff_tags import Tag

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
"""PhotometricInterpretation (TIFF 6.0, section 8)."""

_KNOWN = {WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB}
_CHANNELS = {RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3}
_FAX = {2, 3, 4}
_STRIPS = (Tag.STRIP_OFFSETS, Tag.STRIP_BYTE_COUNTS)
_TILES = (Tag.TILE_OFFSETS, Tag.TILE_BYTE_COUNTS)
"""Tags for the offsets and sizes of the compressed data."""

_OLD_JPEG = 6

_HEADER_BYTES = 8
"""Bytes at the start of a TIFF that are no image data; a BigTIFF has 16."""

_UNCOMPRESSED = 1
_PREDICTED = {5, 8, 32_946, 34_925, 50_000}
"""Compressions with which libtiff applies a predictor: LZW, deflate, LZMA, Zstandard."""

_DETECTOR_BITS = range(9, 16)
_MAX_SUMMED_STRIPS = 1_000_000
"""Maximum number of strips whose sizes are added; a file with 1,000 pages may refer to the same sizes in each."""

_CANON_RAW = b"CR"
"""Mark after the header of a CR2 file."""

_MAX_SUB_DIRECTORIES = 20
MAX_SAMPLES = 100
"""Samples per pixel whose bits and types are read; more are refused by `tiff_samples`."""

_IS_REDUCED, _IS_MASK = 1, 4
"""Bits of NewSubfileType: a smaller copy of another page, and a mask of another page."""

_THUMBNAIL_SHARE = 2 / 3
"""A first page with a smaller share of the pixels of the largest page is a thumbnail. Two views of a patient, which may
also be pages of one file, have about the same size."""


@dataclass(frozen=True)
class TiffPage:
    """One page. Sizes are in pixels, `bits` in bits per sample, `extra` are the types of samples after the colours."""

    directory: Directory
    width: int
    height: int
    bits: tuple[int, ...]
    samples: int
    photometric: int
    compression: int
    sample_format: int
    is_planar: bool
    predictor: int
    fill_order: int
    extra: tuple[int, ...]
    tile: tuple[int, int] | None
    rows_per_strip: int
    is_reduced: bool
    orientation: Orientation

    @property
    def channels(self) -> int:
        """Number of samples that are colours."""
        return self.samples - len(self.extra)

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def segments(self, size: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """(offsets, sizes) of the strips or tiles in bytes, within a file of `size` bytes.

        A strip whose size is missing extends to the end of the file. Raises `UnreadableImage` for an offset within the
        header: in a sparse file it stands for a tile that was not written.
        """
        offsets = self.directory.numbers(_TILES[0] if self.tile else _STRIPS[0]).astype(np.float64)
        if len(offsets) and offsets.min() < _HEADER_BYTES:
            raise UnreadableImage(message("The TIFF is truncated: its image data are incomplete."))
        listed = self.directory.numbers(_TILES[1] if self.tile else _STRIPS[1])[: len(offsets)].astype(np.float64)
        sizes = np.maximum(size - offsets, 0)
        sizes[: len(listed)] = np.where(listed > 0, np.minimum(listed, sizes[: len(listed)]), sizes[: len(listed)])
        return np.clip(offsets, 0, size).astype(np.uint64), sizes.astype(np.uint64)


def choose_page(data: bytes) -> tuple[TiffPage, tuple[str, ...]]:
    """The page with the film, and the warning for several pages.

    It is the first page, or the largest if the first is a thumbnail of it. Raises `UnreadableImage`, `TooLarge` and
    `UnsupportedFormat`.
    """
    header = read_header(data)
    if header is None:
        raise UnreadableImage(message("The TIFF is damaged: it has no valid header."))
    directories = list(chain(data, header))
    if data[8:10] == _CANON_RAW or any(Tag.DNG_VERSION in directory for directory in directories):
        raise _camera_raw_error()
    nested = (Directory(data, header, offset) for offset in _sub_directories(directories, len(data)))
    pages = [page for directory in directories if (page := _page(directory))]
    candidates = pages + [page for directory in nested if (page := _page(directory))]
    if not candidates:
        raise UnreadableImage(message("The TIFF is damaged: it has no complete list of tags for an image."))
    first, largest = candidates[0], max(candidates, key=lambda page: page.pixels)
    is_thumbnail = first is not largest and (first.is_reduced or first.pixels < _THUMBNAIL_SHARE * largest.pixels)
    chosen = largest if is_thumbnail else first
    if _is_camera_raw(chosen.directory):
        raise _camera_raw_error()
    images = len(pages) + (is_thumbnail and largest not in pages)
    if images <= 1:
        return chosen, ()
    if is_thumbnail:
        return chosen, (message("The file contains {count} images; only the largest was used.", count=images),)
    return chosen, (message("The file contains {count} images; only the first was used.", count=images),)


def _is_camera_raw(directory: Directory) -> bool:
    """Whether the pixels are those of a sensor with colours.

    Some X-ray detectors declare the photometric interpretation of such a sensor, but no arrangement of its colours:
    their values are read as grey.
    """
    return Tag.CFA_PATTERN in directory and directory.integer(Tag.PHOTOMETRIC_INTERPRETATION, -1) not in _KNOWN


def _camera_raw_error() -> UnsupportedFormat:
    return UnsupportedFormat(
        message(
            "Unsupported TIFF: export the film as JPEG or PNG. Allowed: a picture in grey or colour. Received: "
            "a camera raw file."
        )
    )


def _sub_directories(directories: list[Directory], size: int) -> Iterator[int]:
    """Offsets of the directories that others refer to: some writers store the film there and a thumbnail before."""
    for directory in directories:
        for offset in directory.numbers(Tag.SUB_IFDS)[:_MAX_SUB_DIRECTORIES]:
            if 0 < offset < size:
                yield int(offset)


def _page(directory: Directory) -> TiffPage | None:
    """The page of a directory; None if it is no image, or a mask of another page."""
    width, height = directory.integer(Tag.IMAGE_WIDTH, 0), directory.integer(Tag.IMAGE_LENGTH, 0)
    kind = directory.integer(Tag.NEW_SUBFILE_TYPE, 0)
    tile = _tile_size(directory)
    if width <= 0 or height <= 0 or kind & _IS_MASK or not (tile or _has_strips(directory)):
        return None
    photometric, samples, extra = _colours(directory)
    compression = directory.integer(Tag.COMPRESSION, _UNCOMPRESSED) or _UNCOMPRESSED
    rows = directory.integer(Tag.ROWS_PER_STRIP, height)
    return TiffPage(
        directory=directory,
        width=width,
        height=height,
        bits=_bits(directory, samples, width * height if compression == _UNCOMPRESSED else 0),
        samples=samples,
        photometric=photometric,
        compression=compression,
        sample_format=directory.integer(Tag.SAMPLE_FORMAT, 1),
        is_planar=directory.integer(Tag.PLANAR_CONFIGURATION, 1) == 2 and samples > 1,
        predictor=directory.integer(Tag.PREDICTOR, 1) if compression in _PREDICTED else 1,
        fill_order=directory.integer(Tag.FILL_ORDER, 1),
        extra=extra,
        tile=tile,
        rows_per_strip=rows if 0 < rows <= height else height,
        is_reduced=bool(kind & _IS_REDUCED) or directory.integer(Tag.SUBFILE_TYPE, 1) == 2,
        orientation=orientation.from_value(directory.integer(orientation.ORIENTATION_TAG, 1)),
    )


def _tile_size(directory: Directory) -> tuple[int, int] | None:
    """(width, height) of the tiles in pixels; None if the page has no tiles."""
    size = (directory.integer(Tag.TILE_WIDTH, 0), directory.integer(Tag.TILE_LENGTH, 0))
    return size if min(size) > 0 and len(directory.numbers(Tag.TILE_OFFSETS)) else None


def _has_strips(directory: Directory) -> bool:
    """Whether the directory refers to strips, or to one JPEG as in TIFF 6.0."""
    is_old_jpeg = directory.integer(Tag.COMPRESSION, _UNCOMPRESSED) == _OLD_JPEG
    return len(directory.numbers(Tag.STRIP_OFFSETS)) > 0 or (is_old_jpeg and Tag.JPEG_INTERCHANGE_FORMAT in directory)


def _colours(directory: Directory) -> tuple[int, int, tuple[int, ...]]:
    """(photometric interpretation, samples per pixel, types of the extra samples)."""
    listed_bits = len(directory.numbers(Tag.BITS_PER_SAMPLE))
    photometric = directory.integer(Tag.PHOTOMETRIC_INTERPRETATION, -1)
    samples = directory.integer(Tag.SAMPLES_PER_PIXEL, max(_CHANNELS.get(photometric, 1), listed_bits))
    if directory.integer(Tag.COMPRESSION, 1) == _OLD_JPEG:
        photometric = YCBCR if samples >= 3 else BLACK_IS_ZERO
    elif photometric not in _KNOWN:  # the tag is required, but not every writer knows it; the default is libtiff's
        is_fax = directory.integer(Tag.COMPRESSION, 1) in _FAX
        photometric = RGB if samples >= 3 else WHITE_IS_ZERO if is_fax else BLACK_IS_ZERO
    if samples < _CHANNELS.get(photometric, 1):
        samples = listed_bits if listed_bits >= _CHANNELS.get(photometric, 1) else 1
        photometric = photometric if samples > 1 else BLACK_IS_ZERO
    count = min(samples, MAX_SAMPLES) - _CHANNELS.get(photometric, 1)
    listed = tuple(int(kind) for kind in directory.numbers(Tag.EXTRA_SAMPLES)[:count])
    unspecified = 2 if photometric == RGB and count == 1 else 0  # as in Pillow: a fourth sample of RGB is alpha
    return photometric, samples, (*listed, *[unspecified] * (count - len(listed)))


def _bits(directory: Directory, samples: int, uncompressed_pixels: int) -> tuple[int, ...]:
    """Bits of each sample; those that are not listed are as the first.

    Some writers declare the bits of the detector, or nothing, for samples of whole bytes. Uncompressed samples have the
    size of their strips then.
    """
    count = min(samples, MAX_SAMPLES)
    listed = [int(bits) for bits in directory.numbers(Tag.BITS_PER_SAMPLE)[:count]]
    bits = (*listed, *[listed[0] if listed else 1] * (count - len(listed)))
    if not uncompressed_pixels:
        return bits
    stored = int(directory.numbers(_STRIPS[1])[:_MAX_SUMMED_STRIPS].sum(dtype=np.float64))
    is_too_large = uncompressed_pixels * sum(bits) > 8 * stored
    if listed and not is_too_large and bits[0] not in _DETECTOR_BITS:
        return bits
    sizes = (size for size in (1, 2, 4, 8) if stored == size * uncompressed_pixels * samples)
    return next(((8 * size,) * count for size in sizes), bits)
