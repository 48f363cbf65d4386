"""Labels from folder names and from tables; everything that is not used is listed."""

from __future__ import annotations

import pytest

from pneumonia.errors import UsageError
from pneumonia.inference.named_film import NamedFilm
from pneumonia.validation.class_words import class_of
from pneumonia.validation.label_table import LabelTable, choose_columns, guess_columns, parse_table
from pneumonia.validation.matching import match_rows
from pneumonia.validation.site_films import Selection, label_by_folder, label_by_table, parse_age

HEADER = "file,label,age,patient\n"


def films(*names: str) -> list[NamedFilm]:
    return [NamedFilm(name, b"") for name in names]


def labels(selection: Selection) -> dict[str, int]:
    return {film.film.name: film.label for film in selection.films}


def problems(selection: Selection) -> list[tuple[str, str]]:
    return [(problem.file, problem.code) for problem in selection.problems]


def by_table(text: str, *names: str) -> Selection:
    table = parse_table(text.encode())
    return label_by_table(films(*names), table, choose_columns(table, {}))


@pytest.mark.parametrize(
    ("word", "label"),
    [("NORMAL", 0), ("No_Finding", 0), ("0", 0), ("0.0", 0), (" Negative ", 0), ("PNEUMONIA", 1), ("1", 1), ("肺炎", 1),
     ("Neumonía", 1), ("neumoni\u0301a", 1), ("effusion", None), ("", None), ("10", None),
     ("-1", None), ("-1.0", None), ("-0.0", None), ("no-finding", 0), ("Pneumonia-Viral", 1), ("BACTERIA", 1),
     ("Pnemonia", 1), ("Infiltration|Pneumonia", 1), ("No Finding|Pneumonia", None), ("Infiltration|Mass", None)],
)  # fmt: skip
def test_a_word_is_one_class_or_none(word: str, label: int | None) -> None:
    assert class_of(word) == label


def test_the_nearest_folder_names_the_class() -> None:
    selection = label_by_folder(
        films("z.zip/normal/a.png", "z.zip/pneumonia/old/normal/b.png", "z.zip\\PNEUMONIA\\c.png")
    )
    assert list(labels(selection).values()) == [0, 0, 1]


def test_a_folder_above_the_paths_of_the_user_is_no_label() -> None:
    names = ("/home/pneumonia/films/a.png", "/home/pneumonia/films/NORMAL/b.png")
    selection = label_by_folder(films(*names), ["/home/pneumonia/films/"])
    assert labels(selection) == {names[1]: 0}
    assert problems(selection) == [(names[0], "no_label")]


def test_a_path_of_the_user_can_be_the_label() -> None:
    selection = label_by_folder(films("x/NORMAL/a.png", "x/PNEUMONIA/b.png"), ["x/NORMAL/", "x/PNEUMONIA/b.png"])
    assert labels(selection) == {"x/NORMAL/a.png": 0, "x/PNEUMONIA/b.png": 1}


def test_a_zip_named_like_a_class_is_no_label() -> None:
    assert problems(label_by_folder(films("pneumonia.zip/a.png"))) == [("pneumonia.zip/a.png", "no_label")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(encoding: str, separator: str) -> None:
    text = separator.join(("file", "label", "site")) + "\r\n" + separator.join(("a.png", "1", "Köln")) + "\r\n"
    table = parse_table(text.encode(encoding))
    assert table == LabelTable(("file", "label", "site"), (("a.png", "1", "Köln"),))


def test_the_line_with_the_separator_is_skipped() -> None:
    assert parse_table(b"sep=;\r\nfile;label\r\na,b.png;0\r\n").rows == (("a,b.png", "0"),)


def test_quotes_line_breaks_and_short_rows() -> None:
    table = parse_table(b'file,label,note\n"a, b.png",1,"two\nlines"\n\nc.png,0\n')
    assert table.rows == (("a, b.png", "1", "two\nlines"), ("c.png", "0", ""))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "no rows"), (b"file,label\n", "no rows"), (b"PK\x03\x04", "workbook"), (b"\xff\xfe\x00", "damaged"),
     (b"file,label\n" + b'"' + b"x" * 200_000 + b'",1\n', "no valid CSV")],
)  # fmt: skip
def test_broken_tables(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_table(data)


def test_a_repeated_or_empty_column_name_gets_its_number() -> None:
    assert parse_table(b"file,label,,label\na,1,x,0\n").columns == ("file", "label", "column 3", "label 4")


def test_usual_names_are_recognised() -> None:
    table = LabelTable(("Patient ID", "Image Index", "Finding Labels", "Patient Age", "Patient Sex", "Hospital"), ())
    assert guess_columns(table) == {
        "file": "Image Index",
        "label": "Finding Labels",
        "age": "Patient Age",
        "group": "Patient ID",
        "site": "Hospital",
        "sex": "Patient Sex",
    }


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UsageError, match=r"recognised as label.*file, outcome"):
        choose_columns(LabelTable(("file", "outcome"), ()), {})
    with pytest.raises(UsageError, match=r"Allowed: file, outcome\. Received: 'truth'"):
        choose_columns(LabelTable(("file", "outcome"), ()), {"label": "truth"})


def test_a_requested_column_wins() -> None:
    table = LabelTable(("file", "label", "second reading"), ())
    assert choose_columns(table, {"label": "second reading", "age": None})["label"] == "second reading"


@pytest.mark.parametrize(
    ("files", "row", "expected"),
    [
        (["z.zip/ward/a.png"], "a.png", 0),
        (["z.zip/ward/a.png"], "ward/A.PNG", 0),
        (["ward/a.png"], "/former/folder/ward/a.png", 0),
        (["z.zip/ward/a.png"], "C:\\films\\a.png", 0),  # only the name agrees, and occurs once
        (["z.zip/ward/a.png"], "a", 0),
        (["1.2.840.1.dcm", "1.2.840.2.dcm"], "1.2.840.2", 1),
        (["x/a.png", "y/a.png"], "y/a.png", 1),
        (["x/a.png", "y/a.png"], "a.png", "ambiguous_file"),
        (["x/a.png", "x/a.jpg"], "a", "ambiguous_file"),
        (["x/a.png"], "b.png", "no_file"),
        (["x/a.png"], "", "no_file"),
    ],
)
def test_which_file_a_row_means(files: list[str], row: str, expected: int | str) -> None:
    matches = match_rows(files, [row])
    assert (matches.pairs or matches.problems)[0] == (0, expected)


def test_a_row_of_another_folder_does_not_take_the_file() -> None:
    matches = match_rows(["north/a.png"], ["north/a.png", "south/a.png"])
    assert (matches.pairs, matches.problems) == ([(0, 0)], [(1, "no_file")])


def test_every_row_and_file_that_is_not_used_is_listed() -> None:
    text = HEADER + "a.png,1,4,p1\nb.png,,5,p2\nc.png,effusion,6,p3\nd.png,0,old,p4\nlost.png,1,3,p5\n"
    selection = by_table(text, "a.png", "b.png", "c.png", "d.png", "e.png")
    assert labels(selection) == {"a.png": 1, "d.png": 0}
    assert sorted(problems(selection)) == [
        ("b.png", "empty_label"),
        ("c.png", "unknown_label"),
        ("d.png", "unknown_age"),
        ("e.png", "no_row"),
        ("lost.png", "no_file"),
    ]
    assert [(film.age, film.group) for film in selection.films] == [(4.0, "p1"), (None, "p4")]
    assert "Received: 'effusion'" in next(p.message for p in selection.problems if p.code == "unknown_label")


def test_repeated_rows_count_once_and_contradictions_not_at_all() -> None:
    selection = by_table(HEADER + "a.png,1,,\na.png,pneumonia,,\nb.png,1,,\nb.png,0,,\n", "a.png", "b.png")
    assert labels(selection) == {"a.png": 1}
    assert problems(selection) == [("a.png", "repeated_row"), ("b.png", "conflicting_labels")]


@pytest.mark.parametrize(
    ("text", "years"),
    [("4", 4), ("4,5", 4.5), ("004Y", 4), ("18 months", 1.5), ("018M", 1.5), ("052W", 0.9966), ("200", None),
     ("-1", None), ("old", None), ("", None), ("4 parsecs", None), ("nan", None)],
)  # fmt: skip
def test_ages(text: str, years: float | None) -> None:
    assert parse_age(text) == (None if years is None else pytest.approx(years, abs=1e-3))
