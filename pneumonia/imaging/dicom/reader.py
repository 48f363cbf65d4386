"""DICOM file -> `Radiograph`.

pydicom and its decoding libraries do the decoding; this module decides which files are read and how. It passes on no
patient data: tags are read but not stored, and messages of pydicom are dropped, since they may quote a tag.
docs/dicom.md describes the rules.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image
from pydicom.datadict import keyword_for_tag
from pydicom.encaps import get_frame
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, convert_color_space, pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ...errors import NoPixels, UnreadableImage, UnsupportedDicom
from .. import decode_limits, greyscale
from ..decoding import check_pixel_count, translate_decoder_errors
from ..intensity import row_slices
from ..radiograph import Pixels, Radiograph
from . import decoder_pool, decoder_worker, header, voi
from .inflate import inflate

# Pixels are read even if a tag is malformed. pydicom's warnings about the tag are disabled: they would quote it in the
# log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")

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

_TABLES = ("LUTData", "ModalityLUTSequence", "VOILUTSequence", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_PALETTES = tuple(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue"))
_MAX_BYTES = {
    **dict.fromkeys((*_TABLES, *_PALETTES), MAX_TABLE_BYTES),
    **dict.fromkeys(("PixelData", "FloatPixelData", "DoubleFloatPixelData"), 2**32),
}

_UNCOMPRESSED = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}
_DICOMDIR = "1.2.840.10008.1.3.10"

_PIXEL_DATA_TAG = b"\xe0\x7f\x10\x00"
_VOI_FUNCTIONS = {"LINEAR", "LINEAR_EXACT", "SIGMOID"}


def read(data: bytes) -> Radiograph:
    """Decode the first frame of a DICOM file.

    Applies the modality rescale and then the VOI LUT or window, inverts MONOCHROME1 so that air is dark, and converts
    colour to greyscale. Raises `UnsupportedDicom`, `NoPixels`, `TooLarge`, `UnreadableImage` or `Busy`.
    """
    with translate_decoder_errors("DICOM file"):
        dataset = pydicom.dcmread(decode_limits.BoundedReader(inflate(data)), force=True)
        if "PixelData" not in dataset and _PIXEL_DATA_TAG in data:
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


def _drop_oversized_elements(dataset: pydicom.Dataset) -> None:
    """Delete elements longer than any that is read: pydicom would create an object for each of their values."""
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag)
        if isinstance(element, pydicom.DataElement):  # a sequence of undefined length is already parsed
            for item in element.value if element.VR == "SQ" else ():
                _drop_oversized_elements(item)
        elif len(element.value or b"") > _MAX_BYTES.get(keyword_for_tag(tag), MAX_ELEMENT_BYTES):
            del dataset[tag]


def _normalise_elements(dataset: pydicom.Dataset) -> None:
    """Delete empty and invalid elements; set VOILUTFunction and the transfer syntax if they are missing."""
    for keyword in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "VOILUTSequence", "PixelData"):
        if keyword in dataset and not dataset[keyword].value and dataset[keyword].value != 0:
            del dataset[keyword]
    if dataset.get("VOILUTFunction") not in _VOI_FUNCTIONS:
        dataset.VOILUTFunction = "LINEAR"
    min_width = 1 if dataset.VOILUTFunction == "LINEAR" else 1e-9
    if "WindowCenter" in dataset and not (_selected_value(dataset.get("WindowWidth")) or 0) >= min_width:
        del dataset["WindowCenter"]  # a window below the minimum width is invalid
    if dataset.get("RescaleSlope") == 0:
        del dataset["RescaleSlope"]  # a slope of zero is invalid
    if not dataset.file_meta.get("TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def _selected_value(value: Any) -> Any:
    """The width of the window that `voi` uses."""
    return value[voi.VOI_INDEX] if isinstance(value, MultiValue) else value


def _check_supported(dataset: pydicom.Dataset) -> None:
    if "PixelData" not in dataset:
        raise _no_pixels_error(dataset)
    modality = header.non_radiograph_modality(dataset)
    if modality is not None:
        raise UnsupportedDicom(
            "The modality of the DICOM file is not radiography. Allowed: CR, DX or another modality of radiographs. "
            f"Received: {modality}."
        )
    _check_compression(dataset.file_meta.TransferSyntaxUID)
    samples = dataset.get("SamplesPerPixel", 1)
    if samples != _SAMPLES_PER_PIXEL.get(_photometric(dataset)) or (samples == 3 and dataset.BitsAllocated != 8):
        raise UnsupportedDicom(
            "The photometric interpretation of the DICOM image is not supported. Allowed: MONOCHROME1 or MONOCHROME2; "
            "PALETTE COLOR; RGB or YBR with 8 bits per sample."
        )
    check_pixel_count(int(dataset.Columns), int(dataset.Rows))


def _no_pixels_error(dataset: pydicom.Dataset) -> NoPixels | UnsupportedDicom:
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        return UnsupportedDicom(
            "The DICOM file contains a parametric map of floats. Allowed: a file with integer pixel data."
        )
    if dataset.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
        return NoPixels("The DICOM file is a DICOMDIR, an index of other files. Allowed: a file with pixel data.")
    return NoPixels("The DICOM file contains no image. Allowed: a file with pixel data.")


def _check_compression(syntax: UID) -> None:
    if syntax not in _UNCOMPRESSED and syntax not in decoder_worker.DECODERS:
        is_standard = not syntax.is_private and syntax.is_transfer_syntax
        raise UnsupportedDicom(
            f"The compression of the DICOM file is not supported. Allowed: {COMPRESSIONS}. "
            f"Received: {syntax.name if is_standard else 'an unknown transfer syntax'}."
        )


def _photometric(dataset: pydicom.Dataset) -> str:
    return str(dataset.get("PhotometricInterpretation", ""))


def _grey_pixels(dataset: pydicom.Dataset) -> tuple[Pixels, tuple[str, ...]]:
    """(grey pixels `[H, W]`, warnings); the warning is about lost colour."""
    stored = _stored_values(dataset)
    if _photometric(dataset) in _GREY_INTERPRETATIONS:
        return voi.apply_rescale_and_voi(dataset, stored), ()
    channels = apply_color_lut(stored, dataset) if stored.ndim == 2 else stored
    if channels.dtype != np.uint8:
        channels = (channels >> 8).astype(np.uint8)  # palette entries may have 16 bits
    return greyscale.to_grey(Image.fromarray(channels))


def _stored_values(dataset: pydicom.Dataset) -> npt.NDArray[Any]:
    """Samples of the first frame: `[H, W]`, or `[H, W, 3]` in RGB."""
    if dataset.file_meta.TransferSyntaxUID not in _UNCOMPRESSED:
        return _decompress(dataset)
    bits, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    high_bit = int(dataset.get("HighBit", bits - 1))
    if _photometric(dataset).startswith("YBR_FULL"):
        return _ybr_to_rgb(pixel_array(dataset, index=0, raw=True))
    if high_bit == bits - 1 or not bits <= high_bit < allocated:
        return pixel_array(dataset, index=0)
    # pydicom ignores HighBit and takes the lowest bits. In this file the samples are in higher bits, with unrelated
    # bits above and below, which the two shifts remove.
    samples = pixel_array(dataset, index=0, correct_unused_bits=False)
    return (samples << (allocated - 1 - high_bit)) >> (allocated - bits)


def _ybr_to_rgb(samples: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Convert YBR_FULL `[H, W, 3]` to RGB in slices of rows; pydicom alone would convert the whole image to floats."""
    rgb = np.empty_like(samples)
    for rows in row_slices(*samples.shape[:2]):
        rgb[rows] = convert_color_space(samples[rows], "YBR_FULL", "RGB")
    return rgb


def _decompress(dataset: pydicom.Dataset) -> npt.NDArray[Any]:
    syntax = dataset.file_meta.TransferSyntaxUID
    offsets = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    frame = get_frame(
        dataset.PixelData,
        0,
        number_of_frames=_frame_count(dataset),
        extended_offsets=offsets if all(offsets) else None,
    )
    if not decoder_worker.has_end_marker(syntax, frame):
        raise UnreadableImage(f"The DICOM image is truncated: its compressed data are incomplete ({syntax.name}).")
    if decoder_worker.frame_size(syntax, frame) not in {None, (int(dataset.Rows), int(dataset.Columns))}:
        raise UnreadableImage(f"The size of the compressed DICOM image differs from its header ({syntax.name}).")
    layout = {
        "rows": int(dataset.Rows),
        "columns": int(dataset.Columns),
        "samples_per_pixel": int(dataset.get("SamplesPerPixel", 1)),
        "photometric_interpretation": _photometric(dataset),
        "bits_allocated": int(dataset.BitsAllocated),
        "bits_stored": int(dataset.BitsStored),
        "pixel_representation": int(dataset.PixelRepresentation),
        "planar_configuration": int(dataset.get("PlanarConfiguration", 0)),
    }
    return decoder_pool.decode(syntax, layout, frame)


def _frame_count(dataset: pydicom.Dataset) -> int:
    return int(dataset.get("NumberOfFrames", 1) or 1)


def _frame_warnings(dataset: pydicom.Dataset) -> tuple[str, ...]:
    frames = _frame_count(dataset)
    return (f"The file contains {frames} images; only the first was used.",) if frames > 1 else ()
