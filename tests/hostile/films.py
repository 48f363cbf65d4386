"""Intact films in every supported format and encoding; the corpus damages them."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from pneumonia.inference import sources
from tests.support import codestreams, picture_files
from tests.support.dicom_files import dicom, encapsulated

Grey = npt.NDArray[np.uint8]
SHAPE = (168, 160)
"""Rows and columns; multiples of 8, as the writer of 12-bit JPEG requires."""


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def grey() -> Grey:
    """A film that the gate accepts, with detector noise."""
    path = next(path for path in sorted((sources.EMBEDDED_FOLDER / "examples").glob("*.png")) if "normal" in path.name)
    with Image.open(path) as picture:
        film = np.asarray(picture.resize(SHAPE[::-1], Image.Resampling.BICUBIC)).astype(np.float64)
    return np.clip(film + np.random.default_rng(0).normal(0, 3, film.shape), 0, 255).astype(np.uint8)


@cache
def deep() -> npt.NDArray[np.uint16]:
    """The same film with 12 bits."""
    return grey().astype(np.uint16) * 16 + 3


@cache
def pictures() -> dict[str, bytes]:
    """Name -> file that Pillow reads."""
    film, colours = Image.fromarray(grey()), Image.fromarray(np.repeat(grey()[:, :, None], 3, axis=2))
    turned = Image.Exif()
    turned[274] = 6
    floats = Image.fromarray(grey().astype(np.float32) / 255)
    other = film.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return {
        "png": encoded(film, "PNG"),
        "png-16": encoded(Image.fromarray(deep()), "PNG"),
        "png-rgba": encoded(colours.convert("RGBA"), "PNG"),
        "png-palette": encoded(colours.quantize(64), "PNG", transparency=0),
        "png-animated": encoded(film, "PNG", save_all=True, append_images=[other]),
        "jpeg": encoded(film, "JPEG", quality=90),
        "jpeg-progressive": encoded(colours, "JPEG", progressive=True, quality=80),
        "jpeg-cmyk": encoded(colours.convert("CMYK"), "JPEG"),
        "jpeg-exif": encoded(colours, "JPEG", exif=turned),
        "mpo": encoded(colours, "MPO", save_all=True, append_images=[colours]),
        "webp": encoded(colours, "WEBP", quality=80),
        "webp-lossless": encoded(colours.convert("RGBA"), "WEBP", lossless=True, exif=turned),
        "webp-animated": encoded(colours, "WEBP", save_all=True, append_images=[other.convert("RGB")]),
        "tiff": encoded(film, "TIFF"),
        "tiff-16": encoded(Image.fromarray(deep()), "TIFF"),
        "tiff-32": encoded(Image.fromarray(grey().astype(np.int32) * 70_000), "TIFF"),
        "tiff-float": encoded(floats, "TIFF", compression="tiff_adobe_deflate"),
        "tiff-cmyk": encoded(colours.convert("CMYK"), "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": encoded(colours, "TIFF", compression="jpeg"),
        "tiff-packbits": encoded(film, "TIFF", compression="packbits"),
        "tiff-group4": encoded(film.convert("1"), "TIFF", compression="group4"),
        "tiff-frames": encoded(film, "TIFF", save_all=True, append_images=[other, film]),
        "tiff-big": encoded(film, "TIFF", big_tiff=True),
        "bmp": encoded(film, "BMP"),
        "bmp-rgb": encoded(colours, "BMP"),
        **_rare_pictures(colours),
    }


def _rare_pictures(colours: Image.Image) -> dict[str, bytes]:
    """Files that this package reads itself, or in the decoder process of DICOM."""
    deep_colours = np.repeat(deep()[:, :, None], 3, axis=2)
    return {
        "png-rgb-16": picture_files.png(deep_colours),
        "png-alpha-16": picture_files.png(deep_colours[:, :, :2]),
        "tiff-rgb-16": picture_files.tiff_of(deep_colours, order=">"),
        "tiff-float-64": picture_files.tiff_of(grey() / 255, big=True),
        "tiff-12-bits": picture_files.tiff_of(
            deep(), data=picture_files.packed_bits(deep(), 12), t258=(picture_files.SHORT, [12])
        ),
        "gif": encoded(Image.fromarray(grey()), "GIF"),
        "pgm": b"P5\n160 168\n4095\n" + deep().astype(">u2").tobytes(),
        "pgm-text": b"P2\n160 168\n255\n" + b"\n".join(b" ".join(b"%d" % v for v in row) for row in grey()),
        "avif": encoded(colours, "AVIF", quality=80),
        "jpeg-2000-file": encoded(Image.fromarray(grey()), "JPEG2000"),
        "jpeg-ls-file": frame("jpeg-ls"),
        "jpeg-lossless-file": frame("jpeg-lossless"),
        "jpeg-12-file": frame("jpeg-12"),
    }


FRAMES: dict[str, tuple[UID, int]] = {
    "rle": (RLELossless, 12),
    "jpeg": (JPEGBaseline8Bit, 8),
    "jpeg-12": (JPEGExtended12Bit, 12),
    "jpeg-lossless": (JPEGLosslessSV1, 12),
    "jpeg-ls": (JPEGLSLossless, 12),
    "jpeg-2000": (JPEG2000Lossless, 12),
    "jpeg-2000-lossy": (JPEG2000, 12),
}
"""Name of a DICOM encoding -> transfer syntax and bits stored."""


@cache
def frame(name: str) -> bytes:
    """The film as one compressed frame in the encoding `name`."""
    encoders = {
        "rle": lambda: codestreams.rle(deep(), 12),
        "jpeg": lambda: codestreams.jpeg(grey()),
        "jpeg-12": lambda: codestreams.jpeg_extended(deep()),
        "jpeg-lossless": lambda: codestreams.jpeg_lossless(deep(), 12),
        "jpeg-ls": lambda: codestreams.jpeg_ls_frame(deep(), 12),
        "jpeg-2000": lambda: codestreams.jpeg_2000(deep(), 12),
        "jpeg-2000-lossy": lambda: codestreams.jpeg_2000(deep(), 12, 5),
    }
    return encoders[name]()


def compressed(name: str, codestream: bytes | None = None, **tags: Any) -> bytes:
    """A DICOM file with the film, or with `codestream` instead, labelled with the encoding `name`."""
    syntax, bits = FRAMES[name]
    samples = grey() if bits == 8 else deep()
    whole = frame(name) if codestream is None else codestream
    return encapsulated(samples, syntax, whole, **{"BitsStored": bits, **tags})


@cache
def dicoms() -> dict[str, bytes]:
    """Name -> file that pydicom reads."""
    window: dict[str, Any] = {"WindowCenter": 2000, "WindowWidth": 3000, "RescaleSlope": 1, "RescaleIntercept": -10}
    colours = np.repeat(grey()[:, :, None], 3, axis=2)
    ybr: dict[str, Any] = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PixelData": colours.tobytes()}
    return {
        "dicom": dicom(grey()),
        "dicom-implicit": dicom(deep(), syntax=ImplicitVRLittleEndian, BitsStored=12, **window),
        "dicom-big-endian": dicom(deep(), syntax=ExplicitVRBigEndian, BitsStored=12),
        "dicom-deflated": dicom(deep(), syntax=DeflatedExplicitVRLittleEndian, BitsStored=12, **window),
        "dicom-signed": dicom(deep().astype(np.int16) - 2000, syntax=ExplicitVRLittleEndian, **window),
        "dicom-bare": dicom(grey(), preamble=False),
        "dicom-bare-implicit": dicom(grey(), syntax=ImplicitVRLittleEndian, preamble=False),
        "dicom-frames": dicom(np.stack([grey(), grey()]), NumberOfFrames=2),
        "dicom-rgb": dicom(grey(), PhotometricInterpretation="RGB", **ybr),
        "dicom-ybr": dicom(grey(), PhotometricInterpretation="YBR_FULL", **ybr),
        **{f"dicom-{name}": compressed(name) for name in FRAMES},
    }


@cache
def whole() -> dict[str, bytes]:
    """Name -> file, for every supported format and encoding."""
    return {**pictures(), **dicoms()}
