"""Ordinary and hostile ZIPs: each member is readable or has an error message."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumonia import batch
from pneumonia.batch import zip_members
from pneumonia.errors import EmptyFile, PneumoniaError, TooLarge, UnreadableImage, UnsupportedFormat

MakeZip = Callable[..., Path]
FILM = b"the bytes of a film"


@pytest.fixture
def make_zip(tmp_path: Path) -> MakeZip:
    def make(members: dict[str, bytes], name: str = "films.zip", method: int = zipfile.ZIP_DEFLATED) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", method) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return tmp_path / name

    return make


def error_of(path: Path, number: int = 0) -> PneumoniaError:
    _, read = zip_members.list_members(path)[number]
    with pytest.raises(PneumoniaError) as caught:
        read()
    return caught.value


def test_members_are_read_in_order_without_folders_and_hidden_files(make_zip: MakeZip) -> None:
    path = make_zip({"b/": b"", "b/2.png": FILM, "1.png": b"1", "__MACOSX/._1.png": b"x", ".DS_Store": b"x"})
    assert [(name, read()) for name, read in zip_members.list_members(path)] == [("b/2.png", FILM), ("1.png", b"1")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_compression_method_of_python_is_read(make_zip: MakeZip, method: int) -> None:
    ((_, read),) = zip_members.list_members(make_zip({"a.png": FILM}, method=method))
    assert read() == FILM


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png"])
def test_a_name_that_leads_out_is_an_error_and_writes_nothing(
    make_zip: MakeZip, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    path = make_zip({"placeholder": FILM})
    path.write_bytes(path.read_bytes().replace(b"placeholder", name.encode().ljust(11, b"x")[:11]))
    path = make_zip({name: FILM}) if len(name) != 11 else path
    before = sorted(tmp_path.rglob("*"))
    error = error_of(path)
    if not name.startswith("/"):  # zipfile itself drops the root of an absolute name
        assert "points outside the ZIP" in error.message
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["", "\0"])
def test_a_member_without_a_name_is_an_error_and_not_the_end_of_the_others(make_zip: MakeZip, name: str) -> None:
    path = make_zip({"placeholder": FILM, "a.png": FILM})
    path.write_bytes(path.read_bytes().replace(b"placeholder", name.encode().ljust(11, b"\0")))
    assert "points outside the ZIP" in error_of(path).message
    assert zip_members.list_members(path)[1][1]() == FILM


def test_an_encrypted_member_says_so(make_zip: MakeZip) -> None:
    path = make_zip({"a.png": FILM})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    error = error_of(path)
    assert isinstance(error, UnreadableImage) and "encrypted" in error.message


def test_a_zip_in_a_zip_is_not_opened(make_zip: MakeZip) -> None:
    inner = make_zip({"a.png": FILM}, "inner.zip").read_bytes()
    error = error_of(make_zip({"inner.zip": inner}))
    assert isinstance(error, UnsupportedFormat) and "ZIP inside a ZIP" in error.message


def test_a_member_over_the_limit_is_not_even_unpacked(make_zip: MakeZip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
    path = make_zip({"bomb.png": bytes(40_000_000)})
    tracemalloc.start()
    error = error_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(error, TooLarge) and "Received: 40.0 MB" in error.message
    assert peak < 1_000_000


def test_a_bomb_that_lies_about_its_size_stops_at_the_limit(make_zip: MakeZip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_FILE_MB", "1")
    path = make_zip({"bomb.png": bytes(40_000_000)})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 1000)
    path.write_bytes(data)
    tracemalloc.start()
    error = error_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(error, UnreadableImage)
    assert peak < 3_000_000


def test_the_total_size_can_be_limited(make_zip: MakeZip) -> None:
    path = make_zip({f"{number}.png": bytes(1_000_000) for number in range(3)})
    assert len(zip_members.list_members(path, max_bytes=3_000_000)) == 3
    with pytest.raises(TooLarge, match=r"Allowed: 2 MB. Received: 3 MB"):
        zip_members.list_members(path, max_bytes=2_000_000)


def test_too_many_members(make_zip: MakeZip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_members, "MAX_MEMBERS", 3)
    with pytest.raises(TooLarge, match="too many files"):
        zip_members.list_members(make_zip({f"{number}.png": b"" for number in range(4)}))


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(
    make_zip: MakeZip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_members, "MAX_DIRECTORY_BYTES", 1000)
    with pytest.raises(TooLarge, match="too many files"):
        zip_members.list_members(make_zip({f"{number:0100d}.png": b"" for number in range(20)}))


@pytest.mark.parametrize("damage", ["cut", "directory", "content", "text"])
def test_a_damaged_zip_or_member_says_so(make_zip: MakeZip, damage: str) -> None:
    path = make_zip({"a.png": FILM * 50}, method=zipfile.ZIP_STORED)
    data = path.read_bytes()
    damaged = {
        "cut": data[:-30],
        "directory": data.replace(b"PK\x01\x02", b"XX\x01\x02"),
        "content": data.replace(FILM, FILM[::-1], 1),
        "text": b"PK but no ZIP at all",
    }
    path.write_bytes(damaged[damage])
    if damage == "content":
        assert isinstance(error_of(path), UnreadableImage)
    else:
        with pytest.raises(UnreadableImage, match="damaged"):
            zip_members.list_members(path)


def test_an_unknown_compression_method_is_an_error_that_names_the_allowed_ones(make_zip: MakeZip) -> None:
    path = make_zip({"a.png": FILM})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(signature) + offset, 97)
    path.write_bytes(data)
    assert "stored or deflated" in error_of(path).message


def test_an_empty_zip_is_an_empty_file(make_zip: MakeZip) -> None:
    with pytest.raises(EmptyFile):
        zip_members.list_members(make_zip({}))


def test_a_zip_is_recognised_by_name_and_content(make_zip: MakeZip, tmp_path: Path) -> None:
    path = make_zip({"a.png": FILM})
    assert zip_members.is_zip(path)
    assert zip_members.is_zip(path.rename(tmp_path / "FILMS.ZIP"))
    assert not zip_members.is_zip((tmp_path / "FILMS.ZIP").rename(tmp_path / "letter.docx"))
    (tmp_path / "no.zip").write_bytes(b"no ZIP")
    assert not zip_members.is_zip(tmp_path / "no.zip")
    assert not zip_members.is_zip(tmp_path / "missing.zip")


@pytest.mark.parametrize("name", ["download", "films.zip.1", "films.bin", "a.b"])
def test_a_zip_with_another_name_is_recognised_by_its_content(make_zip: MakeZip, tmp_path: Path, name: str) -> None:
    assert zip_members.is_zip(make_zip({"a.png": FILM}).rename(tmp_path / name))
    for film in (FILM, b"PK\x03\x04".ljust(128, b"\0") + b"DICM"):
        (tmp_path / name).write_bytes(film)
        assert not zip_members.is_zip(tmp_path / name)


@pytest.mark.parametrize("member", ["[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"])
def test_a_document_without_a_suffix_is_no_zip(make_zip: MakeZip, tmp_path: Path, member: str) -> None:
    assert not zip_members.is_zip(make_zip({"word/a.png": FILM, member: b""}).rename(tmp_path / "letter"))


def test_a_truncated_zip_with_another_name_is_a_zip_that_fails(make_zip: MakeZip, tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_bytes(make_zip({"a.png": FILM}).read_bytes()[:-30])
    assert zip_members.is_zip(path)


def test_a_bad_zip_is_one_film_that_fails(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK nothing")
    (film,) = batch.films_in_zip(tmp_path / "bad.zip", "bad.zip")
    assert film.name == "bad.zip"
    read: Any = film.source
    with pytest.raises(UnreadableImage):
        read()


def test_members_can_be_read_after_the_iteration(make_zip: MakeZip) -> None:
    """Films are read later on other threads, and the ZIP must still be open then."""
    films = list(batch.films_in_zip(make_zip({f"{number}.png": FILM for number in range(5)}), "films.zip"))
    assert [film.name for film in films] == [f"films.zip/{number}.png" for number in range(5)]
    sources: list[Any] = [film.source for film in films]
    assert [read() for read in sources] == [FILM] * 5
    assert io.BytesIO(sources[0]()).read() == FILM
