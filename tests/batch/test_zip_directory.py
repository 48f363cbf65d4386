"""ZIPs as other writers create them, and damaged ones: each member has its row, and a damage costs what it damages."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from pneumonia import batch
from pneumonia.batch import zip_members
from pneumonia.batch.zip_directory import data_offset, read_directory
from pneumonia.errors import PneumoniaError, UnreadableImage
from tests.support.zip_files import DOS, LINK, NTFS, STORED, Member, zip_bytes

FILM = b"the bytes of a film" * 20
FILMS = [Member(b"a.png", FILM), Member(b"b.png", FILM[::-1])]


def outcomes(path: Path) -> list[tuple[str, bytes | str]]:
    """(name, content or error message) of each film in a ZIP."""
    rows: list[tuple[str, bytes | str]] = []
    for film in batch.films_in_zip(path, "films.zip"):
        try:
            rows.append((film.name, film.source()))  # type: ignore[operator, arg-type]
        except PneumoniaError as error:
            rows.append((film.name, error.message))
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "films.zip"


WHOLE = [("films.zip/a.png", FILM), ("films.zip/b.png", FILM[::-1])]


def test_folders_of_dotnet_and_other_writers_are_no_films(path: Path) -> None:
    folders = [Member(b"ward\\", system=DOS), Member(b"ward\\sub\\", system=NTFS), Member(b"other/")]
    by_attributes = [Member(b"dos", attributes=0x10, system=DOS), Member(b"unix", attributes=0o40755 << 16)]
    films = [Member(b"ward\\sub\\a.png", FILM, system=DOS), Member(b"unix/b.png", FILM)]
    path.write_bytes(zip_bytes(*folders, *by_attributes, *films))
    assert outcomes(path) == [("films.zip/ward\\sub\\a.png", FILM), ("films.zip/unix/b.png", FILM)]


def test_the_end_of_an_empty_zip_in_a_comment_hides_no_film(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", FILM)
        archive.comment = b"PK\5\6" + bytes(60)
    assert outcomes(path) == [("films.zip/a.png", FILM)]


def test_a_film_with_the_name_of_a_folder_is_a_film(path: Path) -> None:
    path.write_bytes(zip_bytes(Member(b"a.png/", FILM), Member(b"b\\", FILM, attributes=0x10)))
    assert outcomes(path) == [("films.zip/a.png/", FILM), ("films.zip/b\\", FILM)]


def test_two_films_of_one_name_are_two_films(path: Path) -> None:
    names = [b"a.png", b"a.png", b"A.PNG", "é.png".encode(), "e\u0301.png".encode()]
    path.write_bytes(zip_bytes(*(Member(name, bytes([number])) for number, name in enumerate(names))))
    assert [content for _, content in outcomes(path)] == [bytes([number]) for number in range(5)]
    assert [film.name for film in batch.find_films([str(path), str(path)])] == [
        f"{path}/{name}" for name in ("a.png", "a.png", "A.PNG", "é.png", "e\u0301.png")]  # fmt: skip


@pytest.mark.parametrize("local_name", [b"b/a.png", b"\xff.png", b"", b"much/longer/than/a.png"])
def test_a_name_that_differs_in_the_local_header_costs_no_film(path: Path, local_name: bytes) -> None:
    path.write_bytes(zip_bytes(Member(b"b\\a.png", FILM, local_name=local_name)))
    assert outcomes(path) == [("films.zip/b\\a.png", FILM)]


@pytest.mark.parametrize("before", [b"MZ a program that unpacks the ZIP", b"PK" * 20, b"x" * 100_000])
def test_a_zip_behind_other_data_is_read(path: Path, before: bytes) -> None:
    path.write_bytes(zip_bytes(*FILMS, before=before))
    assert zip_members.is_zip(path)
    assert outcomes(path) == WHOLE
    path.write_bytes(zip_bytes(*FILMS, before=before, offset=len(before)))  # offsets from the start of the file
    assert outcomes(path) == WHOLE


@pytest.mark.parametrize("after", [b"\0" * 50, b"PK\x05\x06", b"PK\x05\x06" + b"\xff" * 60, b"<html>" * 1000])
def test_a_zip_is_read_with_data_behind_it_and_in_its_comment(path: Path, after: bytes) -> None:
    path.write_bytes(zip_bytes(*FILMS) + after)
    assert outcomes(path) == WHOLE
    path.write_bytes(zip_bytes(*FILMS, comment=after))
    assert outcomes(path) == WHOLE


def test_a_damaged_list_keeps_the_films_before_the_damage_and_says_so(path: Path) -> None:
    data = zip_bytes(*FILMS, Member(b"c.png", FILM))
    last = data.rindex(b"PK\x01\x02")
    path.write_bytes(data[:last] + b"XX" + data[last + 2 :])
    *films, (name, message) = outcomes(path)
    assert films == WHOLE
    assert (name, "behind 2 entries; files may be missing" in str(message)) == ("films.zip", True)


def test_a_wrong_checksum_costs_its_own_film_only(path: Path) -> None:
    path.write_bytes(zip_bytes(Member(b"bad.png", FILM, crc=1), *FILMS))
    (bad, message), *others = outcomes(path)
    assert bad == "films.zip/bad.png" and "damaged" in str(message)
    assert others == WHOLE


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (Member(b"link.png", b"../a.png", attributes=LINK), "symbolic link"),
        (Member(b"link.png", FILM, flags=1), "encrypted"),
        (Member(b"link.png", FILM, method=99, flags=0x41), "encrypted"),  # AES of WinZip
        (Member(b"link.png", FILM, method=9), "Received: Deflate64"),
        (Member(b"link.png", FILM, method=93), "Received: Zstandard"),
        (Member(b"link.png", FILM, method=98), "Received: PPMd"),
        (Member(b"link.png", FILM, method=77), "Received: method 77"),
        (Member(b"link.png", b"\x09\x04\x05\x00\xff\xff\xff\xff\xff", method=14), "damaged"),
        (Member(b"link.png", b"no BZIP2", method=12), "damaged"),
        (Member(b"", FILM), "name is empty"),
    ],
)
def test_a_member_that_cannot_be_read_costs_its_own_row_only(path: Path, odd: Member, message: str) -> None:
    path.write_bytes(zip_bytes(FILMS[0], odd, FILMS[1]))
    first, (name, error), last = outcomes(path)
    assert [first, last] == WHOLE
    assert name.startswith("films.zip") and message in str(error)


def test_a_header_that_points_nowhere_costs_its_own_film_only(path: Path) -> None:
    data = bytearray(zip_bytes(*FILMS))
    for value in (5, 2**31, 2**32 - 1):
        struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 42, value)
        path.write_bytes(data)
        (_, message), second = outcomes(path)
        assert "damaged" in str(message) and second == WHOLE[1]


def test_empty_members_and_files_of_operating_systems(path: Path) -> None:
    skipped = [b"__MACOSX/._a.png", b"ward/.DS_Store", b"ward/Thumbs.db", b"DESKTOP.INI", b"@eaDir/a.png/S.jpg"]
    path.write_bytes(
        zip_bytes(*(Member(name, FILM) for name in skipped), Member(b"0.png", b""), Member(b"./a.png", FILM))
    )
    assert outcomes(path) == [("films.zip/0.png", b""), ("films.zip/./a.png", FILM)]


def test_a_split_zip_says_so(path: Path) -> None:
    data = bytearray(zip_bytes(*FILMS))
    struct.pack_into("<HH", data, data.index(b"PK\x05\x06") + 4, 2, 2)
    for part in (bytes(data), b"PK\x07\x08" + data[:300]):
        path.write_bytes(part)
        ((name, message),) = outcomes(path)
        assert (name, "part of a split ZIP" in str(message)) == ("films.zip", True)


def test_an_incomplete_zip_says_so(path: Path) -> None:
    data = zip_bytes(*FILMS)
    for end in (3, 40, len(data) - 23, len(data) - 22):
        path.write_bytes(data[:end])
        ((name, message),) = outcomes(path)
        assert (name, "damaged or incomplete" in str(message)) == ("films.zip", True)


def test_a_zip_whose_sizes_follow_the_data_is_read(path: Path) -> None:
    """A writer that cannot seek leaves the sizes in the local header empty."""
    buffer = io.BytesIO()
    buffer.seekable = lambda: False  # type: ignore[method-assign]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", FILM)
        archive.writestr("b.png", FILM[::-1])
    path.write_bytes(buffer.getvalue())
    assert outcomes(path) == WHOLE


def zip64_bytes(count: int, before: bytes = b"") -> bytes:
    """A ZIP with Zip64 records, which has one member and declares `count`."""
    local = struct.pack("<HHQQ", 1, 16, len(FILM), len(FILM))
    fields = struct.pack("<HHIII", 0, STORED, 0, zlib.crc32(FILM), 2**32 - 1) + b"\xff" * 4
    content = (
        b"PK\x03\x04" + struct.pack("<H", 45) + fields + struct.pack("<HH", 5, len(local)) + b"a.png" + local + FILM
    )
    extra = struct.pack("<HHQQQ", 1, 24, len(FILM), len(FILM), 0)
    directory = b"PK\x01\x02" + struct.pack("<HH", 45, 45) + fields + struct.pack("<HHHHHI", 5, len(extra), 0, 0, 0, 0)
    directory += b"\xff" * 4 + b"a.png" + extra
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), len(content))
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(content) + len(directory), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    return before + content + directory + end64 + locator + end


@pytest.mark.parametrize("before", [b"", b"a program"])
def test_a_zip64_is_read(path: Path, before: bytes) -> None:
    path.write_bytes(zip64_bytes(1, before))
    assert outcomes(path) == [("films.zip/a.png", FILM)]


class _SparseFile(io.BytesIO):
    """Two pieces of a file of more than 4 GB: one at its start, one at its end; zeros between."""

    def __init__(self, start: bytes, end: bytes, size: int) -> None:
        super().__init__()
        self._pieces = {0: start, size - len(end): end}
        self._size = size
        self._position = 0

    def seek(self, position: int, whence: int = 0) -> int:
        self._position = position + (self._size if whence == 2 else 0)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        result = bytearray(min(size or 0, max(0, self._size - self._position)))
        for start, piece in self._pieces.items():
            for index in range(len(result)):
                offset = self._position + index - start
                if 0 <= offset < len(piece):
                    result[index] = piece[offset]
        return bytes(result)


def test_a_zip_of_macos_over_4_gb_without_zip64() -> None:
    """Archive Utility writes the remainders of the offsets; here the second film begins behind 4 GB."""
    first = zip_bytes(FILMS[0])
    first_film = first[: first.index(b"PK\x01\x02")]
    second = zip_bytes(FILMS[1], offset=5_000)
    second_film, directory = second[: second.index(b"PK\x01\x02")], second[second.index(b"PK\x01\x02") :]
    both = first[first.index(b"PK\x01\x02") : first.index(b"PK\x05\x06")] + directory[: directory.index(b"PK\x05\x06")]
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2, 2, len(both), 5_000 + len(second_film), 0)
    size = 2**32 + 5_000 + len(second_film) + len(both) + len(end)
    file = _SparseFile(first_film, second_film + both + end, size)
    listed = read_directory(file, 1_000_000)
    positions = [data_offset(file, entry, listed.start) for entry in listed.entries]
    assert positions == [30 + len(b"a.png"), 2**32 + 5_000 + 30 + len(b"b.png")]
    assert listed.is_complete


def test_a_zip_that_disappears_costs_its_films(path: Path) -> None:
    path.write_bytes(zip_bytes(*FILMS))
    films = list(batch.films_in_zip(path, "films.zip"))
    path.unlink()
    for film in films:
        with pytest.raises(UnreadableImage, match="cannot be read any more"):
            film.source()  # type: ignore[operator]
