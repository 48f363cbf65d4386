"""Names in ZIPs of other systems: legible where the code page can be detected, and never one name for two."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumonia.batch import zip_members
from pneumonia.batch.zip_directory import read_directory
from pneumonia.batch.zip_names import decode_names
from tests.support.zip_files import DOS, UTF8_FLAG, Member, unicode_path, zip_bytes

CODE_PAGES = ["utf-8", "gbk", "cp932", "cp866", "cp437", "cp850", "cp852", "cp1252", "big5", "cp949"]


def names_in(*members: Member) -> list[str]:
    return decode_names(read_directory(io.BytesIO(zip_bytes(*members)), 10_000_000).entries)


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("utf-8", ["胸部/正面.png", "Żółw.png", "film.png"]),  # macOS sets no flag
        ("utf-8", ["Mu\u0308ller.png"]),  # macOS decomposes accented letters
        ("gbk", ["胸片/张伟.dcm", "胸片/李娜（正位）.dcm"]),
        ("gbk", ["影像_001.jpg"]),
        ("gbk", ["婷婷.png", "鑫.png"]),  # characters of the second level, in names of people
        ("gb18030", ["患者资料/片子1.png"]),
        ("cp932", ["胸部.png", "レントゲン写真.dcm", "山田太郎_正面.png"]),
        ("cp932", ["テスト/1.png"]),
        ("cp932", ["髙橋.png", "正1.png"]),
        ("cp437", ["Müller.png", "Schröder/größe.png", "Rémy.png", "Châlon.png", "señor.png"]),
        ("cp850", ["Sørensen.png", "João.png"]),
        ("cp852", ["Zdjęcie płuc/Żółw.png"]),
        ("cp866", ["Снимок.png", "ИВАНОВ/рентген.dcm"]),
        ("cp1252", ["Rémy.png", "Fälle/Grün.dcm"]),
        ("big5", ["醫院/胸腔檢查.png"]),
        ("cp949", ["흉부/김철수 정면.png", "흉부/이영희 측면.png", "환자 사진 전후.dcm"]),
    ],
)
def test_names_of_other_systems_are_legible(encoding: str, names: list[str]) -> None:
    assert names_in(*(Member(name.encode(encoding), system=DOS) for name in names)) == names


def test_one_name_that_fits_no_code_page_changes_no_other() -> None:
    names = [name.encode("gbk") for name in ("胸片.png", "影像.png", "正位.png")]
    decoded = names_in(*map(Member, [*names, b"\xff\x80.png"]))
    assert decoded[:3] == ["胸片.png", "影像.png", "正位.png"]
    assert decoded[3].encode("cp437") == b"\xff\x80.png"


def test_a_false_flag_for_utf8_is_a_code_page() -> None:
    assert names_in(Member("胸片.png".encode("gbk"), flags=UTF8_FLAG), Member(b"a.png")) == ["胸片.png", "a.png"]


def test_the_unicode_path_of_infozip_is_used_unless_it_belongs_to_another_name() -> None:
    raw = "胸片.png".encode("cp936")
    stale = unicode_path(b"other.png", "wrong.png")
    assert names_in(Member(raw, extra=unicode_path(raw, "胸片 é.png"))) == ["胸片 é.png"]
    assert names_in(Member(raw, extra=stale)) == ["胸片.png"]
    damaged = unicode_path(raw, "a")[:-1] + b"\xff"
    assert names_in(Member(raw, extra=damaged)) == ["胸片.png"]


@pytest.mark.parametrize("extra", [b"\x75\x70\xff\xff", b"\x01\x00\x08\x00", b"\x00", b"\x01\x00\x04\x00\0\0\0\0"])
def test_an_invalid_extra_field_is_ignored(extra: bytes) -> None:
    assert names_in(Member(b"a.png", extra=extra), Member(b"b.png")) == ["a.png", "b.png"]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=12).filter(lambda name: b"\0" not in name), max_size=6))
def test_any_bytes_are_a_name_from_which_a_code_page_gives_the_bytes_back(raw_names: list[bytes]) -> None:
    """Two names in one code page are therefore different."""
    names = names_in(*map(Member, raw_names))
    assert len(names) == len(raw_names)
    for raw, name in zip(raw_names, names, strict=True):
        assert raw in {name.encode(page, "replace") for page in CODE_PAGES}


def test_every_member_with_an_odd_name_is_listed_and_read(tmp_path: Path) -> None:
    odd = [b"a\nb.png", b"tab\t.png", b" space .png ", b"dot.png.", b"=1+1.png", b"[1].png", b"n" * 300 + b".png"]
    path = tmp_path / "films.zip"
    path.write_bytes(zip_bytes(*(Member(name, bytes([number])) for number, name in enumerate(odd))))
    members = zip_members.list_members(path)
    assert [(name.encode(), read()) for name, read in members] == [
        (name, bytes([number])) for number, name in enumerate(odd)]  # fmt: skip


def test_names_equal_those_of_zipfile_for_its_own_zips(tmp_path: Path) -> None:
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.png", "Żółw/ü.png", "胸片.png", "x" * 400):
            archive.writestr(name, b"x")
    assert [name for name, _ in zip_members.list_members(path)] == zipfile.ZipFile(path).namelist()


def test_a_name_ends_at_a_nul() -> None:
    assert names_in(Member(b"a.png\0.exe"), Member(b"\0"), Member(b"")) == ["a.png", "", ""]


def test_a_directory_of_many_names_is_decoded_in_one_pass() -> None:
    """Names of ten code pages in turn: each code page is tried once."""
    names = [b"%d" % number + "éл胸ø".encode(CODE_PAGES[number % 10], "replace") for number in range(5_000)]
    assert len(names_in(*map(Member, names))) == 5_000
