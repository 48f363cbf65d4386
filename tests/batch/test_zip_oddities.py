"""Unusual and damaged ZIPs, and what their films get; see docs/inputs.md. The plain film in each of them is read."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumonia import Failure, Predictor, batch
from tests.support.odd_films import film
from tests.support.oddities import READ, Expected, Oddity, refused
from tests.support.picture_files import png
from tests.support.zip_files import DOS, LINK, UTF8_FLAG, Member, unicode_path, zip_bytes

FILM = png(film())
PLAIN = Member(b"plain.png", FILM)
RAW = "胸片.png".encode("gbk")


def _row(name: str, member: Member, expected: Expected, reason: str) -> Oddity:
    return Oddity(name, lambda: zip_bytes(PLAIN, member), expected, reason)


def _named(description: str, name: bytes, reason: str = "the name is legible", flags: int = 0) -> Oddity:
    return _row(f"a ZIP with {description}", Member(name, FILM, flags=flags), READ, reason)


def _whole(name: str, change: Callable[[bytes], bytes], expected: Expected, reason: str) -> Oddity:
    return Oddity(name, lambda: change(zip_bytes(PLAIN, Member(b"b.png", FILM))), expected, reason)


def _split(data: bytes) -> bytes:
    position = data.index(b"PK\x05\x06") + 4
    return data[:position] + struct.pack("<HH", 2, 2) + data[position + 4 :]


def _packed(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("plain.png", FILM)
    return buffer.getvalue()


UNREADABLE = "unreadable_image"

MEMBERS = (
    _named("UTF-8 names without the flag (macOS)", "胸片.png".encode()),
    _named("GBK names (Windows in Chinese)", RAW),
    _named("Shift JIS names (Windows in Japanese)", "胸部レントゲン.png".encode("cp932")),
    _named("names of code page 850 (Windows in Western Europe)", "Sørensen.png".encode("cp850")),
    _named("names of code page 866 (Windows in Russian)", "Снимок.png".encode("cp866")),
    _named("a UTF-8 flag that is not true", RAW, flags=UTF8_FLAG),
    _named(
        "a name of arbitrary bytes", b"\xff\x80\xfe.png", "the name is shown in code page 437, so it is unambiguous"
    ),
    _named("a name of 300 bytes", b"n" * 300, "no name is used as a path"),
    _named("a line feed, a quote or a formula in a name", b'=1+1\n",.png', "quoted and escaped in the CSV"),
    _named("two films of one name", b"plain.png", "two rows"),
    _named("names that differ in case only", b"PLAIN.PNG", "two rows"),
    _row(
        "a ZIP with the Unicode names of Info-ZIP, 7-Zip and WinRAR",
        Member(RAW, FILM, extra=unicode_path(RAW, "胸片.png")),
        READ,
        "that name is used",
    ),
    _row("a ZIP with an invalid extra field", Member(b"b.png", FILM, extra=b"\x01\0\xff\xff"), READ, "it is ignored"),
    _row(
        "a ZIP whose two names of a film differ",
        Member(b"ward\\b.png", FILM, local_name=b"ward/b.png"),
        READ,
        "the central directory applies",
    ),
    _row("a ZIP with folders of .NET (backslashes)", Member(b"ward\\", system=DOS), READ, "a folder is no film"),
    _row("a ZIP of macOS with resource forks", Member(b"__MACOSX/._plain.png", b"\0\5"), READ, "skipped"),
    _row("a ZIP of Windows with Thumbs.db", Member(b"ward/Thumbs.db", b"\xd0\xcf"), READ, "skipped"),
    Oddity("a ZIP packed by BZIP2 or LZMA", lambda: _packed(zipfile.ZIP_LZMA), READ, "as by Deflate"),
    _whole("a self-extracting ZIP", lambda data: b"MZ a program" + data, READ, "data before the ZIP are skipped"),
    _whole("a ZIP with data after its end", lambda data: data + bytes(1000), READ, "they are skipped"),
    _row(
        "an encrypted film", Member(b"b.png", FILM, flags=1), refused(UNREADABLE, "encrypted"), "no password is known"
    ),
    _row(
        "a film packed by Deflate64 (Windows, over 2 GB), PPMd or Zstandard",
        Member(b"b.png", FILM, method=9),
        refused(UNREADABLE, "Received: Deflate64"),
        "the message names the method",
    ),
    _row("a wrong checksum", Member(b"b.png", FILM, crc=1), refused(UNREADABLE, "damaged"), "the film may be changed"),
    _row(
        "a symbolic link", Member(b"b.png", b"plain.png", attributes=LINK), refused(UNREADABLE, "link"), "not followed"
    ),
    _row(
        "a name that points outside the ZIP",
        Member(b"../b.png", FILM),
        refused(UNREADABLE, "path traversal"),
        "as an attack would",
    ),
    _row("an empty file", Member(b"b.png", b""), refused("empty_file"), "it has no picture"),
    _row(
        "a ZIP inside a ZIP",
        Member(b"inner.zip", zip_bytes(PLAIN)),
        refused("unsupported_format", "ZIP inside a ZIP"),
        "send its films",
    ),
    _row("a film without extension", Member(b"DICOM/IM000001", FILM), READ, "the content decides"),
    _row("a text file", Member(b"readme.txt", b"films"), refused("unsupported_format"), "every file has a row"),
    _whole(
        "a ZIP whose list of files is damaged in the middle",
        lambda data: data[: data.rindex(b"PK\x01\x02")] + b"XX" + data[data.rindex(b"PK\x01\x02") + 2 :],
        refused(UNREADABLE, "files may be missing"),
        "a row for the ZIP; the films before the damage are read",
    ),
)

WHOLE_ZIPS = (
    _whole(
        "an incomplete ZIP",
        lambda data: data[:-40],
        refused(UNREADABLE, "damaged or incomplete"),
        "a row for the ZIP: its list of files is at its end",
    ),
    _whole("one part of a split ZIP", _split, refused(UNREADABLE, "part of a split ZIP"), "join the parts"),
    Oddity("a ZIP without files", zip_bytes, refused("empty_file"), "a row for the ZIP"),
    Oddity(
        "a RAR, 7z, TAR or gzip archive with the name of a ZIP",
        lambda: b"Rar!\x1a\x07\x01\0" + bytes(100),
        refused("unsupported_format", "a RAR archive"),
        "the message names the format",
    ),
    Oddity("a film with the name of a ZIP", lambda: FILM, READ, "the content decides"),
)

ODDITIES = MEMBERS + WHOLE_ZIPS


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_the_result_is_the_documented_one(oddity: Oddity, predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "films.zip"
    path.write_bytes(oddity.make())
    results = list(predictor.predict_many(batch.find_films([str(path)])))
    failures = [result.error for result in results if isinstance(result, Failure)]
    assert [error.code for error in failures] == ([oddity.expected.code] if oddity.expected.code else [])
    assert all(oddity.expected.message in error.message for error in failures)
    reference = predictor.predict(FILM)
    predictions = [result for result in results if not isinstance(result, Failure)]
    assert bool(predictions) == (oddity not in WHOLE_ZIPS or not oddity.expected.code)
    assert {prediction.probability for prediction in predictions} <= {reference.probability}
