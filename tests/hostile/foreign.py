"""Small files that are not films, polyglots that are also something else, and unusual sizes, modes and numbers."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image

from .decompression_bombs import layout, tiff
from .films import encoded, pictures

MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\xff\xff\xff\x7fWEBPVP8 ", b"II*\0", b"MM\0*", b"BM")
FOREIGN_FILES = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>",
    "html": b"<!doctype html><script>fetch('http://169.254.169.254/')</script>",
    "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF",
    "script": b"#!/bin/sh\nrm -rf /\n",
    "python": b"import os; os.system('true')\n",
    "php": b"<?php system($_GET['c']); ?>",
    "program": b"\x7fELF\x02\x01\x01" + bytes(57),
    "windows program": b"MZ\x90\0" + bytes(60),
    "pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(/etc/passwd) (r) file\n",
    "xbm": b"#define x_width 100\n#define x_height 100\nstatic char x_bits[] = {0};\n",
    "fits": b"SIMPLE  =                    T".ljust(2880),
    "gzip": b"\x1f\x8b\x08\0" + bytes(20),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
    "icon": b"\0\0\1\0\1\0" + bytes(40),
    "text": "Befund: Größe unauffällig ☃".encode(),
    "zeros": bytes(5_000),
    "ones": b"\xff" * 5_000,
}


def foreign() -> Iterator[tuple[str, bytes]]:
    """(name, content) of files that are not films."""
    yield "empty", b""
    yield from (("one byte", bytes([value])) for value in range(256))
    yield from ((f"only magic {number}", magic) for number, magic in enumerate(MAGICS))
    yield from FOREIGN_FILES.items()
    for magic in MAGICS:
        yield from ((f"{name} behind a magic", magic + content) for name, content in FOREIGN_FILES.items())
    film = Image.fromarray(np.full((100, 100), 90, np.uint8))
    yield from ((f"{kind} renamed", encoded(film, kind)) for kind in ("GIF", "PPM", "PCX", "TGA", "ICO", "SGI", "PDF"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as container:
        container.writestr("film.png", encoded(film, "PNG"))
    yield "zip renamed", archive.getvalue()
    yield from _polyglots(archive.getvalue())


def _polyglots(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that are valid in two formats."""
    films = pictures()
    for name, film in films.items():
        yield f"{name} and zip", film + archive
        yield f"{name} and html", film + FOREIGN_FILES["html"]
        yield f"pdf and {name}", FOREIGN_FILES["pdf"] + film
        yield f"gif and {name}", b"GIF89a" + film
        yield f"{name} twice", film + film
    for name in ("jpeg", "png", "tiff"):
        preamble = films[name][:128].ljust(128, b"\0")
        yield f"dicom under the head of {name}", preamble + b"DICM" + films[name][128:]
    yield (
        "jpeg with a script for a comment",
        b"\xff\xd8\xff\xfe" + struct.pack(">H", 20) + b"<script>alert(1)</" + films["jpeg"][2:],
    )


def sizes() -> Iterator[tuple[str, bytes]]:
    """Sides from 1 pixel, long strips, and every mode that Pillow can save."""
    for width, height in ((1, 1), (1, 60_000), (60_000, 1), (63, 64), (64, 63), (64, 64), (65, 5_000), (5_000, 65)):
        picture = Image.fromarray(np.full((height, width), 90, np.uint8))
        for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP"):
            if kind != "WEBP" or max(width, height) < 16_384:
                yield f"{kind} {width} x {height}", encoded(picture, kind)
    for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I", "F", "I;16"):
        for value in (0, 255):
            picture = Image.new(mode, (80, 90), value)
            yield from _saved(mode, picture)


def _saved(mode: str, picture: Image.Image) -> Iterator[tuple[str, bytes]]:
    for kind in ("PNG", "TIFF", "JPEG", "WEBP", "BMP"):
        try:
            yield f"{kind} in {mode}", encoded(picture, kind)
        except (OSError, ValueError, KeyError):
            continue


def numbers() -> Iterator[tuple[str, bytes]]:
    """TIFFs with NaN and infinite values, 32 and 64 bits, and unusual sample sizes, types and compressions."""
    for value in (np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-45, 0.5):
        values = np.full((100, 100), 0.5, np.float32)
        values[50, 50] = value
        yield f"tiff float {value}", encoded(Image.fromarray(values), "TIFF")
    for value in (-(2**31), 2**31 - 1, 65_536, -1):
        yield f"tiff 32 bits {value}", encoded(Image.new("I", (100, 100), value), "TIFF")
    for bits in (0, 1, 2, 3, 4, 7, 8, 12, 16, 24, 32, 64, 65_535):
        for kind in (0, 1, 2, 3, 4, 5, 6):
            for samples in (0, 1, 2, 3, 5, 65_535):
                tags = layout(100, 100, 8, 80_000, bits=bits, format=kind, samples=samples)
                yield f"tiff {bits} bits of kind {kind}, {samples} samples", tiff(tags, pixels=bytes(80_000))
    for compression in (0, 2, 3, 4, 5, 6, 7, 8, 32_771, 32_773, 32_946, 34_712, 34_925, 50_000, 50_001, 65_535):
        yield f"tiff compression {compression}", tiff(layout(100, 100, 8, 10_000, compression=compression))
