"""DICOM file -> `Radiograph`.

pydicom and its decoding libraries do the decoding; this module decides which files are read and how. It passes on no
patient data: tags are read but not stored. Pixels are read even if a tag is malformed. pydicom then warns and may quote
the tag; `process_hardening` drops these warnings. docs/dicom.md describes the rules.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom.pixels import convert_color_space, pixel_array
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

from ...errors import NoPixels, PneumoniaError, UnreadableImage, UnsupportedDicom
from ...messages import message
from .. import film_values, greyscale
from ..byte_order import correct_byte_order
from ..decoding import check_pixel_count, translate_decoder_errors
from ..film_values import FilmValues, ValueKind
from ..intensity import row_slices
from ..radiograph import Pixels, Radiograph
from . import (
    codestreams,
    colour_layout,
    compressed_pixels,
    decoder_pool,
    decoder_worker,
    elements,
    header,
    optional_numbers,
    orientation,
    palette,
    parser,
    patient_age,
    photometric,
    pixel_description,
    shutter,
    spacing,
    view,
    voi,
)
from .decoder_worker import END_MARKER
from .padding import padding_free_area, padding_mask
from .parser import ParsedFile
from .sample_bits import interpret, interpret_decoded

COMPRESSIONS = message("uncompressed, deflated, RLE, JPEG baseline, extended or lossless, JPEG-LS or JPEG 2000")

_GREY_INTERPRETATIONS = {"MONOCHROME1", "MONOCHROME2"}
_FLOAT_PIXEL_DATA = ("FloatPixelData", "DoubleFloatPixelData")
_UNSUPPORTED_BITS = {*range(2, 65)} - {8, 16, 32, 64}
"""Values of BitsAllocated that exist or existed in the standard (12, 24) or could be meant, but are not decoded."""

_CODED_WITHOUT_COLOUR_SPACE = {
    *(RLELossless, JPEGLossless, JPEGLosslessSV1),
    *(*JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes),
}
"""Transfer syntaxes whose frames do not state whether their colours are RGB or YBR: the samples decide, as they do for
uncompressed ones. Other JPEG states it, and its decoder converts the colours."""

_OTHER_CONTINUATION = b"\x5a\xa5\x33\xcc" * 1024
"""Bytes appended to a frame without end marker; none of them is the beginning of a marker."""

_DICOMDIR = "1.2.840.10008.1.3.10"


def read(data: bytes) -> Radiograph:
    """Decode the first frame of a DICOM file.

    Applies the modality rescale and then the VOI LUT or window, inverts MONOCHROME1 so that air is dark, and converts
    colour to greyscale. Raises `UnsupportedDicom`, `NoPixels`, `TooLarge`, `UnreadableImage` or `Busy`.
    """
    return _radiograph(_first_image(data))


def read_values(data: bytes) -> FilmValues:
    """Decode the first frame of a DICOM file as `read` does, with its values before rescale and window.

    Raises the errors of `read`.
    """
    image = _first_image(data)
    film = _radiograph(image)
    if _photometric(image.dataset) not in _GREY_INTERPRETATIONS:
        return film_values.of_radiograph(film, ValueKind.GREY_OF_COLOUR)
    if not film_values.fits(image.stored):
        return film_values.of_radiograph(film, ValueKind.SCALED)
    return FilmValues(
        film,
        image.stored,
        max(_bits_stored(image.dataset), int(image.stored.max()).bit_length()),
        padding=image.padding,
        rescale=voi.linear_rescale(image.dataset),
        spacing=spacing.pixel_spacing(image.dataset),
    )


@dataclass(frozen=True)
class _Image:
    """The first frame of a file: samples `[H, W]` or `[H, W, 3]`, mask of the padding, and warnings."""

    dataset: pydicom.Dataset
    stored: npt.NDArray[Any]
    padding: npt.NDArray[np.bool_] | None
    warnings: tuple[str, ...]


def _first_image(data: bytes) -> _Image:
    file = parser.parse(data)
    dataset = file.dataset
    _check_radiograph(file)
    if file.pixel_data:  # pydicom decodes no file that has both
        for keyword in _FLOAT_PIXEL_DATA:
            dataset.pop(keyword, None)
    first = pixel_description.complete(file)
    _check_supported(dataset)
    return _Image(dataset, *_stored_values(dataset, first.compressed_frame), first.warnings)


def _radiograph(image: _Image) -> Radiograph:
    dataset = image.dataset
    pixels, colour_warnings = _grey_pixels(image)
    sides, turn = orientation.orientation(dataset)
    return Radiograph(
        pixels,
        "DICOM",
        (*image.warnings, *colour_warnings, *header.header_warnings(dataset)),
        view.is_lateral(dataset),
        header.is_other_body_part(dataset),
        padding_free_area(image.padding) or shutter.film_area(dataset, image.stored),
        age_years=patient_age.age_years(dataset),
        sides=sides,
        turn=turn,
    )


def _check_radiograph(file: ParsedFile) -> None:
    """Raise an error if the file has no pixel data, or if its modality is not radiography."""
    modality = header.non_radiograph_modality(file.dataset)
    if not file.pixel_data and not any(keyword in file.dataset for keyword in _FLOAT_PIXEL_DATA):
        raise _no_pixels_error(file, modality)
    if modality is not None:
        raise UnsupportedDicom(
            message(
                "The modality of the DICOM file is not radiography. Allowed: CR, DX or another modality of "
                "radiographs. Received: {modality}.",
                modality=modality,
            )
        )


def _check_supported(dataset: pydicom.Dataset) -> None:
    _check_compression(_transfer_syntax(dataset))
    is_colour = elements.value(dataset, "SamplesPerPixel", 1) == 3
    if not photometric.is_supported(dataset) or (is_colour and elements.value(dataset, "BitsAllocated") != 8):
        raise UnsupportedDicom(
            message(
                "The photometric interpretation of the DICOM image is not supported. Allowed: MONOCHROME1 or "
                "MONOCHROME2; PALETTE COLOR; RGB or YBR with 8 bits per sample."
            )
        )
    check_pixel_count(elements.integer(dataset, "Columns"), elements.integer(dataset, "Rows"))
    if "PixelData" in dataset and elements.integer(dataset, "BitsAllocated") in _UNSUPPORTED_BITS:
        raise UnsupportedDicom(
            message(
                "The samples of the DICOM image have an unsupported size. Allowed: 1, 8, 16, 32 or 64 bits allocated."
            )
        )


def _no_pixels_error(file: ParsedFile, modality: str | None) -> PneumoniaError:
    if file.storage_class == _DICOMDIR:
        return NoPixels(
            message("The DICOM file is a DICOMDIR, an index of other files. Allowed: a file with pixel data.")
        )
    if file.is_damaged and modality is None:
        return UnreadableImage(message("The DICOM file is damaged or truncated before its pixel data."))
    return NoPixels(message("The DICOM file contains no image. Allowed: a file with pixel data."))


def _check_compression(syntax: UID) -> None:
    if syntax not in pixel_description.UNCOMPRESSED and syntax not in decoder_worker.DECODERS:
        is_known = not syntax.is_private and syntax.is_transfer_syntax
        raise UnsupportedDicom(
            message(
                "The compression of the DICOM file is not supported. Allowed: {compressions}. Received: {syntax}.",
                compressions=COMPRESSIONS,
                syntax=syntax.name if is_known else message("an unknown transfer syntax"),
            )
        )


def _transfer_syntax(dataset: pydicom.Dataset) -> UID:
    syntax = elements.value(dataset.file_meta, "TransferSyntaxUID")
    if not isinstance(syntax, str):
        raise UnreadableImage(message("The DICOM file is damaged: its transfer syntax is not a single identifier."))
    return UID(syntax, validation_mode=pydicom.config.IGNORE)


def _photometric(dataset: pydicom.Dataset) -> str:
    return elements.text(dataset, "PhotometricInterpretation")


def _grey_pixels(image: _Image) -> tuple[Pixels, tuple[str, ...]]:
    """(grey pixels `[H, W]`, warnings); the warning is about lost colour."""
    dataset, stored = image.dataset, image.stored
    if _photometric(dataset) in _GREY_INTERPRETATIONS:
        return voi.apply_rescale_and_voi(dataset, stored, image.padding), ()
    return greyscale.to_grey(Image.fromarray(palette.apply(dataset, stored) if stored.ndim == 2 else stored))


def _stored_values(
    dataset: pydicom.Dataset, compressed_frame: bytes | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """(samples of the first frame, padding): `[H, W]`, or `[H, W, 3]` in RGB; `[H, W]`, true where padding is."""
    allocated = elements.integer(dataset, "BitsAllocated")
    if compressed_frame is not None:
        samples = _correct_byte_order(dataset, _decompress(dataset, compressed_frame))
        values = interpret_decoded(samples, _bits_stored(dataset)) if samples.ndim == 2 else samples
    elif _photometric(dataset).startswith("YBR_FULL"):
        return _ybr_to_rgb(_first_frame(dataset, raw=True)), None
    elif "PixelData" not in dataset or allocated == 1 or photometric.SAMPLES[_photometric(dataset)] == 3:
        values = _first_frame(dataset)
    else:
        samples = _first_frame(dataset, bits_stored=allocated, pixel_representation=0, correct_unused_bits=False)
        samples = _correct_byte_order(dataset, samples)
        # The padding value may need more bits than the film's values.
        padding = padding_mask(dataset, samples)
        high_bit, is_signed = elements.integer(dataset, "HighBit", 0), _is_signed(dataset)
        values = interpret(samples, _bits_stored(dataset), high_bit, is_signed)
        if padding is not None or values is samples:
            return values, padding
    return values, padding_mask(dataset, values) if values.ndim == 2 else None


def _correct_byte_order(dataset: pydicom.Dataset, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The samples of a grey film in their true byte order. Neighbouring entries of a palette need not be similar."""
    is_grey = _photometric(dataset) in _GREY_INTERPRETATIONS
    return correct_byte_order(samples, _bits_stored(dataset)) if is_grey else samples


def _bits_stored(dataset: pydicom.Dataset) -> int:
    """BitsStored; BitsAllocated if it is missing or outside 1..BitsAllocated."""
    allocated = elements.integer(dataset, "BitsAllocated")
    bits = optional_numbers.first_number(dataset, "BitsStored")
    return int(bits) if bits is not None and 1 <= bits <= allocated else allocated


def _is_signed(dataset: pydicom.Dataset) -> bool:
    return optional_numbers.first_number(dataset, "PixelRepresentation") == 1


def _first_frame(dataset: pydicom.Dataset, **options: Any) -> npt.NDArray[Any]:
    """The samples, uncompressed in the file; read-only where they are a view of its bytes."""
    with translate_decoder_errors(elements.SUBJECT):
        return pixel_array(dataset, index=0, view_only=True, **options)


def _ybr_to_rgb(samples: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Convert YBR_FULL `[H, W, 3]` to RGB in slices of rows; pydicom alone would convert the whole image to floats."""
    rgb = np.empty_like(samples)
    for rows in row_slices(*samples.shape[:2]):
        with translate_decoder_errors(elements.SUBJECT):
            rgb[rows] = convert_color_space(samples[rows], "YBR_FULL", "RGB")
    return rgb


def _decompress(dataset: pydicom.Dataset, frame: bytes) -> npt.NDArray[Any]:
    syntax = _transfer_syntax(dataset)
    _check_frame_size(dataset, syntax, frame)
    allocated = elements.integer(dataset, "BitsAllocated")
    term = _photometric(dataset)
    is_raw_colour = syntax in _CODED_WITHOUT_COLOUR_SPACE and colour_layout.has_conversion(term)
    layout = {
        "rows": elements.integer(dataset, "Rows"),
        "columns": elements.integer(dataset, "Columns"),
        "samples_per_pixel": elements.integer(dataset, "SamplesPerPixel", 1),
        "photometric_interpretation": "RGB" if is_raw_colour else term,
        "bits_allocated": allocated,
        "bits_stored": compressed_pixels.decoder_bits(frame, _bits_stored(dataset), allocated),
        "pixel_representation": int(_is_signed(dataset)),
        "planar_configuration": 0,  # it has no meaning in a compressed frame (PS3.5, 8.2.1)
    }
    decode = decoder_pool.decode if codestreams.has_end_marker(syntax, frame) else _decode_without_end
    samples = decode(syntax, layout, frame)
    return _ybr_to_rgb(samples) if is_raw_colour and colour_layout.is_ybr(samples, term) else samples


def _decode_without_end(syntax: UID, layout: dict[str, Any], frame: bytes) -> npt.NDArray[Any]:
    """Decode a frame whose end marker is missing, if all samples are there.

    Decoders fill in what is missing, from the bytes that follow if there are any. The samples are complete if they are
    the same for different continuations.
    """
    with suppress(UnreadableImage):
        samples, others = (
            decoder_pool.decode(syntax, layout, frame.rstrip(b"\xff") + continuation + END_MARKER)
            for continuation in (b"", _OTHER_CONTINUATION)
        )
        if np.array_equal(samples, others):
            return samples
    raise UnreadableImage(
        message("The DICOM image is truncated: its compressed data are incomplete ({name}).", name=syntax.name)
    ) from None


def _check_frame_size(dataset: pydicom.Dataset, syntax: UID, frame: bytes) -> None:
    """Raise `UnreadableImage` if the header of the frame contradicts that of the file, or ends early."""
    try:
        size = codestreams.frame_size(syntax, frame)
    except (struct.error, IndexError):
        raise UnreadableImage(
            message("The DICOM image is damaged and cannot be decoded ({name}).", name=syntax.name)
        ) from None
    if size not in {None, (elements.integer(dataset, "Rows"), elements.integer(dataset, "Columns"))}:
        raise UnreadableImage(
            message("The size of the compressed DICOM image differs from its header ({name}).", name=syntax.name)
        )
