"""DICOM file -> `Radiograph`.

pydicom and its decoding libraries do the decoding; this module decides which files are read and how. It passes on no
patient data: tags are read but not stored. Pixels are read even if a tag is malformed. pydicom then warns and may quote
the tag; `process_hardening` drops these warnings. docs/dicom.md describes the rules.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom.datadict import keyword_for_tag
from pydicom.encaps import get_frame
from pydicom.pixels import apply_color_lut, convert_color_space, pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ...errors import NoPixels, UnreadableImage, UnsupportedDicom
from .. import decode_limits, greyscale
from ..decoding import check_pixel_count, translate_decoder_errors
from ..intensity import row_slices
from ..radiograph import Pixels, Radiograph
from . import decimals, decoder_pool, decoder_worker, elements, header, voi
from .inflate import inflate
from .padding import padding_mask
from .sample_bits import interpret, interpret_decoded

COMPRESSIONS = "uncompressed, deflated, RLE, JPEG baseline, extended or lossless, JPEG-LS or JPEG 2000"

_GREY_INTERPRETATIONS = {"MONOCHROME1", "MONOCHROME2"}
_SAMPLES_PER_PIXEL = {**dict.fromkeys(_GREY_INTERPRETATIONS, 1), "PALETTE COLOR": 1}
_SAMPLES_PER_PIXEL |= dict.fromkeys(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"), 3)
"""PhotometricInterpretation -> samples per pixel. Grey films are often exported as colour images,
so these are read as well."""

MAX_ELEMENT_BYTES = 65_534
"""Maximum bytes of an element with numbers or text: the largest even number that a length field of two bytes can
hold."""

MAX_TABLE_BYTES = 1_000_000
"""Maximum bytes of a lookup or offset table: seven times the largest table that 16 bits need."""

_PIXEL_DATA = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_TABLES = ("LUTData", "ModalityLUTSequence", "VOILUTSequence", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_PALETTES = tuple(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue"))
_MAX_BYTES = {
    **dict.fromkeys((*_TABLES, *_PALETTES), MAX_TABLE_BYTES),
    **dict.fromkeys(_PIXEL_DATA, 2**32),
}

_UNCOMPRESSED = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}
_UNSUPPORTED_BITS = {*range(2, 65)} - {8, 16, 32, 64}
"""Values of BitsAllocated that exist or existed in the standard (12, 24) or could be meant, but are not decoded."""

_DICOMDIR = "1.2.840.10008.1.3.10"

_PIXEL_DATA_TAGS = (b"\xe0\x7f\x10\x00", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00")


def read(data: bytes) -> Radiograph:
    """Decode the first frame of a DICOM file.

    Applies the modality rescale and then the VOI LUT or window, inverts MONOCHROME1 so that air is dark, and converts
    colour to greyscale. Raises `UnsupportedDicom`, `NoPixels`, `TooLarge`, `UnreadableImage` or `Busy`.
    """
    dataset = _parse(data)
    if not _has_pixel_data(dataset) and any(tag in data for tag in _PIXEL_DATA_TAGS):
        raise UnreadableImage("The DICOM file is truncated: its pixel data are incomplete.")
    _drop_oversized_elements(dataset)
    _normalise_elements(dataset)
    _check_supported(dataset)
    pixels, colour_warnings = _grey_pixels(dataset)
    return Radiograph(
        pixels,
        "DICOM",
        (*_frame_warnings(dataset), *colour_warnings, *header.header_warnings(dataset)),
        header.is_lateral(dataset),
        header.is_other_body_part(dataset),
    )


def _parse(data: bytes) -> pydicom.FileDataset:
    file = decode_limits.BoundedReader(inflate(data))
    with translate_decoder_errors(elements.SUBJECT):
        return pydicom.dcmread(file, force=True)


def _drop_oversized_elements(dataset: pydicom.Dataset) -> None:
    """Delete elements longer than any that is read: pydicom would create an object for each of their values."""
    for tag in list(dataset.keys()):
        element = elements.stored(dataset, tag)
        if isinstance(element, pydicom.DataElement):  # a sequence of undefined length is already parsed
            for item in element.value if element.VR == "SQ" else ():
                _drop_oversized_elements(item)
        elif len(element.value or b"") > _MAX_BYTES.get(keyword_for_tag(tag), MAX_ELEMENT_BYTES):
            del dataset[tag]


def _normalise_elements(dataset: pydicom.Dataset) -> None:
    """Delete empty pixel data; set the transfer syntax if it is missing."""
    if elements.is_empty(dataset, "PixelData"):
        del dataset["PixelData"]
    if not elements.value(dataset.file_meta, "TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def _check_supported(dataset: pydicom.Dataset) -> None:
    if not _has_pixel_data(dataset):
        raise _no_pixels_error(dataset)
    modality = header.non_radiograph_modality(dataset)
    if modality is not None:
        raise UnsupportedDicom(
            "The modality of the DICOM file is not radiography. Allowed: CR, DX or another modality of radiographs. "
            f"Received: {modality}."
        )
    _check_compression(_transfer_syntax(dataset))
    samples = elements.value(dataset, "SamplesPerPixel", 1)
    is_deep_colour = samples == 3 and elements.value(dataset, "BitsAllocated") != 8
    if samples != _SAMPLES_PER_PIXEL.get(_photometric(dataset)) or is_deep_colour:
        raise UnsupportedDicom(
            "The photometric interpretation of the DICOM image is not supported. Allowed: MONOCHROME1 or MONOCHROME2; "
            "PALETTE COLOR; RGB or YBR with 8 bits per sample."
        )
    check_pixel_count(elements.integer(dataset, "Columns"), elements.integer(dataset, "Rows"))
    if "PixelData" in dataset and elements.integer(dataset, "BitsAllocated") in _UNSUPPORTED_BITS:
        raise UnsupportedDicom(
            "The samples of the DICOM image have an unsupported size. Allowed: 1, 8, 16, 32 or 64 bits allocated."
        )


def _has_pixel_data(dataset: pydicom.Dataset) -> bool:
    return any(keyword in dataset for keyword in _PIXEL_DATA)


def _no_pixels_error(dataset: pydicom.Dataset) -> NoPixels:
    if elements.value(dataset.file_meta, "MediaStorageSOPClassUID") == _DICOMDIR:
        return NoPixels("The DICOM file is a DICOMDIR, an index of other files. Allowed: a file with pixel data.")
    return NoPixels("The DICOM file contains no image. Allowed: a file with pixel data.")


def _check_compression(syntax: UID) -> None:
    if syntax not in _UNCOMPRESSED and syntax not in decoder_worker.DECODERS:
        is_standard = not syntax.is_private and syntax.is_transfer_syntax
        raise UnsupportedDicom(
            f"The compression of the DICOM file is not supported. Allowed: {COMPRESSIONS}. "
            f"Received: {syntax.name if is_standard else 'an unknown transfer syntax'}."
        )


def _transfer_syntax(dataset: pydicom.Dataset) -> UID:
    syntax = elements.value(dataset.file_meta, "TransferSyntaxUID")
    if not isinstance(syntax, str):
        raise UnreadableImage("The DICOM file is damaged: its transfer syntax is not a single identifier.")
    return UID(syntax, validation_mode=pydicom.config.IGNORE)


def _photometric(dataset: pydicom.Dataset) -> str:
    return elements.text(dataset, "PhotometricInterpretation")


def _grey_pixels(dataset: pydicom.Dataset) -> tuple[Pixels, tuple[str, ...]]:
    """(grey pixels `[H, W]`, warnings); the warning is about lost colour."""
    stored, padding = _stored_values(dataset)
    if _photometric(dataset) in _GREY_INTERPRETATIONS:
        return voi.apply_rescale_and_voi(dataset, stored, padding), ()
    with translate_decoder_errors(elements.SUBJECT):
        channels = apply_color_lut(stored, dataset) if stored.ndim == 2 else stored
        if channels.dtype != np.uint8:
            channels = (channels >> 8).astype(np.uint8)  # palette entries may have 16 bits
        picture = Image.fromarray(channels)
    return greyscale.to_grey(picture)


def _stored_values(dataset: pydicom.Dataset) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """(samples of the first frame, padding): `[H, W]`, or `[H, W, 3]` in RGB; `[H, W]`, true where padding is."""
    allocated = elements.integer(dataset, "BitsAllocated")
    if _transfer_syntax(dataset) not in _UNCOMPRESSED:
        samples = _decompress(dataset)
        values = interpret_decoded(samples, _bits_stored(dataset)) if samples.ndim == 2 else samples
    elif _photometric(dataset).startswith("YBR_FULL"):
        return _ybr_to_rgb(_first_frame(dataset, raw=True)), None
    elif "PixelData" not in dataset or allocated == 1 or _SAMPLES_PER_PIXEL[_photometric(dataset)] == 3:
        values = _first_frame(dataset)
    else:
        samples = _first_frame(dataset, bits_stored=allocated, pixel_representation=0, correct_unused_bits=False)
        # The padding value may need more bits than the film's values.
        padding = padding_mask(dataset, samples)
        high_bit, is_signed = elements.integer(dataset, "HighBit", 0), _is_signed(dataset)
        values = interpret(samples, _bits_stored(dataset), high_bit, is_signed)
        if padding is not None:
            return values, padding
    return values, padding_mask(dataset, values) if values.ndim == 2 else None


def _bits_stored(dataset: pydicom.Dataset) -> int:
    """BitsStored; BitsAllocated if it is missing or outside 1..BitsAllocated."""
    allocated = elements.integer(dataset, "BitsAllocated")
    bits = decimals.first_number(dataset, "BitsStored")
    return int(bits) if bits is not None and 1 <= bits <= allocated else allocated


def _is_signed(dataset: pydicom.Dataset) -> bool:
    return decimals.first_number(dataset, "PixelRepresentation") == 1


def _first_frame(dataset: pydicom.Dataset, **options: Any) -> npt.NDArray[Any]:
    with translate_decoder_errors(elements.SUBJECT):
        return pixel_array(dataset, index=0, **options)


def _ybr_to_rgb(samples: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Convert YBR_FULL `[H, W, 3]` to RGB in slices of rows; pydicom alone would convert the whole image to floats."""
    rgb = np.empty_like(samples)
    for rows in row_slices(*samples.shape[:2]):
        with translate_decoder_errors(elements.SUBJECT):
            rgb[rows] = convert_color_space(samples[rows], "YBR_FULL", "RGB")
    return rgb


def _decompress(dataset: pydicom.Dataset) -> npt.NDArray[Any]:
    syntax, frame = _transfer_syntax(dataset), _compressed_frame(dataset)
    if not decoder_worker.has_end_marker(syntax, frame):
        raise UnreadableImage(f"The DICOM image is truncated: its compressed data are incomplete ({syntax.name}).")
    _check_frame_size(dataset, syntax, frame)
    layout = {
        "rows": elements.integer(dataset, "Rows"),
        "columns": elements.integer(dataset, "Columns"),
        "samples_per_pixel": elements.integer(dataset, "SamplesPerPixel", 1),
        "photometric_interpretation": _photometric(dataset),
        "bits_allocated": elements.integer(dataset, "BitsAllocated"),
        "bits_stored": _bits_stored(dataset),
        "pixel_representation": int(_is_signed(dataset)),
        "planar_configuration": elements.integer(dataset, "PlanarConfiguration", 0),
    }
    return decoder_pool.decode(syntax, layout, frame)


def _compressed_frame(dataset: pydicom.Dataset) -> bytes:
    """The first frame."""
    names = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
    first, second = (elements.value(dataset, name) for name in names)
    frames = _frame_count(dataset)
    with translate_decoder_errors(elements.SUBJECT):
        offsets = (first, second) if first and second else None
        return get_frame(dataset.PixelData, 0, number_of_frames=frames, extended_offsets=offsets)


def _check_frame_size(dataset: pydicom.Dataset, syntax: UID, frame: bytes) -> None:
    """Raise `UnreadableImage` if the header of the frame contradicts that of the file, or ends early."""
    try:
        size = decoder_worker.frame_size(syntax, frame)
    except (struct.error, IndexError):
        raise UnreadableImage(f"The DICOM image is damaged and cannot be decoded ({syntax.name}).") from None
    if size not in {None, (elements.integer(dataset, "Rows"), elements.integer(dataset, "Columns"))}:
        raise UnreadableImage(f"The size of the compressed DICOM image differs from its header ({syntax.name}).")


def _frame_count(dataset: pydicom.Dataset) -> int:
    frames = elements.value(dataset, "NumberOfFrames") or 1
    with translate_decoder_errors(elements.SUBJECT):
        return int(frames)


def _frame_warnings(dataset: pydicom.Dataset) -> tuple[str, ...]:
    frames = _frame_count(dataset)
    return (f"The file contains {frames} images; only the first was used.",) if frames > 1 else ()
