"""Files of formats that are not read, and what each gets; see docs/inputs.md."""

from __future__ import annotations

import io
import zipfile

import pytest

from pneumonia import Predictor
from tests.support.odd_films import film
from tests.support.oddities import Oddity, check, refused
from tests.support.picture_files import (
    png,
)


def _zip_of(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"x" * 100)
    return buffer.getvalue()


def _foreign(name: str, data: bytes, word: str = "") -> Oddity:
    return Oddity(name, lambda: data, refused("unsupported_format", word or name), "the message says what to do")


ODDITIES = (
    _foreign("HEIC (Apple)", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "a HEIC image"),
    _foreign("JPEG XL", b"\xff\x0a" + bytes(100), "a JPEG XL image"),
    _foreign("JPEG XL in a container", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100), "a JPEG XL image"),
    _foreign("PDF", b"%PDF-1.7\n" + bytes(100), "a PDF"),
    _foreign("ZIP", _zip_of("film.dcm"), "a ZIP"),
    _foreign("Word", _zip_of("word/document.xml"), "a Word document"),
    _foreign("PowerPoint", _zip_of("ppt/presentation.xml"), "a PowerPoint document"),
    _foreign("RAR", b"Rar!\x1a\x07\x01\0" + bytes(100), "a RAR archive"),
    _foreign("7z", b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(100), "a 7z archive"),
    _foreign("gzip", b"\x1f\x8b\x08\0" + bytes(100), "a gzip archive"),
    _foreign("MP4 video", b"\0\0\0\x20ftypisom" + bytes(100), "an MP4"),
    _foreign("AVI video", b"RIFF\0\0\0\0AVI LIST" + bytes(100), "an AVI video"),
    _foreign("SVG", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>', "an SVG drawing"),
    _foreign("web page", b"\r\n<!DOCTYPE html><html><body>Please log in</body></html>", "a web page"),
    _foreign("JSON", b'{"error": "not found"}', "a JSON file"),
    _foreign("text", b"Dear colleague, please find attached the film.", "a text file"),
    _foreign("CSV", b"name,label\nfilm.png,Normal\n", "a text file"),
    _foreign(
        "Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"
    ),
    _foreign("image as Base64 text", b"iVBORw0KGgoAAAANSUhEUgAA", "an image in Base64 text"),
    _foreign("NIfTI volume", (b"\x5c\x01\0\0" + bytes(340) + b"n+1\0" + bytes(100)), "a NIfTI volume"),
    _foreign("NRRD volume", b"NRRD0004\ntype: short\n", "an NRRD volume"),
    _foreign("MetaImage volume (MHA)", b"ObjectType = Image\nNDims = 3\n", "a MetaImage volume"),
    _foreign("Photoshop", b"8BPS\0\x01" + bytes(100), "a Photoshop document"),
    _foreign("DjVu", b"AT&TFORM\0\0\0\0DJVU" + bytes(100), "a DjVu document"),
    _foreign("PCX", b"\x0a\x05\x01\x08" + bytes(200), "a PCX image"),
    _foreign("OpenEXR", b"\x76\x2f\x31\x01" + bytes(100), "an OpenEXR image"),
    _foreign("icon", b"\0\0\1\0\1\0" + bytes(100), "an icon"),
    _foreign("camera raw (Canon CR2)", b"II*\0\x10\0\0\0CR\2\0" + bytes(100), "a camera raw file"),
    _foreign("camera raw (Canon CR3)", b"\0\0\0\x18ftypcrx " + bytes(100), "a camera raw file"),
    _foreign("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    _foreign("NumPy array", b"\x93NUMPY\x01\0" + bytes(100), "a NumPy array"),
    _foreign("MATLAB", b"MATLAB 5.0 MAT-file" + bytes(200), "a MATLAB file"),
    _foreign("FITS", b"SIMPLE  =                    T".ljust(2880), "a FITS image"),
    _foreign("PNG damaged by a transfer as text", png(film()).replace(b"\r\n", b"\n"), "damaged by a transfer as text"),
    _foreign("only zeros", bytes(5_000), "zeros"),
)


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor) -> None:
    check(oddity, predictor, film())
