"""The report as HTML, PDF, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from pneumonia import Predictor
from pneumonia.cli.main import main
from pneumonia.evaluation import reference_measures, reference_scores
from pneumonia.evaluation.table import Table
from pneumonia.inference.decision import UNKNOWN
from pneumonia.validation import film_rows, report_html, report_pdf
from pneumonia.validation.drift import drift
from pneumonia.validation.evaluate import Question, Validation, validate
from pneumonia.validation.film_results import FilmResult
from pneumonia.validation.report import Section, report_of
from pneumonia.validation.site_films import Problem, Selection

from .made_results import made_result, made_table, validated

COUNTS = {
    (1, "Pneumonia"): 60,
    (1, "Normal"): 4,
    (0, "Normal"): 58,
    (0, "Pneumonia"): 5,
    (0, UNKNOWN): 3,
    (1, "failed"): 1,
}


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 30), 90, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def validation(predictor: Predictor) -> Validation:
    results = made_table(COUNTS)
    wrong = made_result("<b>odd & name</b>.png", 1, "Normal", 0.01, age=4.0, sex="f", site="=1+1", group="p 1")
    results.append(FilmResult(**{**vars(wrong), "thumbnail": jpeg()}))
    results = [FilmResult(**{**vars(each), "thumbnail": jpeg() if each.thumbnail else b""}) for each in results]
    selection = Selection(tuple(each.film for each in results), (Problem("lost.png", "no_file"),), len(results))
    return validate(predictor, selection, results, Question(site_name="Köln <1>"))


def test_the_html_has_verdict_plots_and_films(validation: Validation) -> None:
    html = report_html.to_html(report_of(validation))
    assert html.startswith("<!doctype html>") and '<html lang="en">' in html
    assert html.count('class="verdict') == 1 and html.count("<svg") == 2
    assert "&lt;b&gt;odd &amp; name&lt;/b&gt;.png" in html and "<b>odd" not in html
    assert "Köln &lt;1&gt;" in html
    assert 'src="http' not in html and "data:image/jpeg;base64," in html
    assert "No file matches this row of the table." in html


def test_no_page_of_the_pdf_ends_with_the_caption_of_a_table(validation: Validation) -> None:
    empty = replace(report_of(validation), verdicts=[])
    for lines in range(36, 52, 2):  # the table begins at the foot of the page, and further and further below it
        section = Section("Section", ["A line."] * lines, [Table("Caption", ("Column",), [("Cell",)] * 4)])
        pages = PdfReader(io.BytesIO(report_pdf.to_pdf(replace(empty, sections=[section])))).pages
        (page,) = [page.extract_text() for page in pages if "Caption" in page.extract_text()]
        assert "Cell" in page, lines


def test_the_pdf_has_the_same_text(validation: Validation) -> None:
    pages = PdfReader(io.BytesIO(report_pdf.to_pdf(report_of(validation)))).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "Check on your own films" in text and "Köln <1>" in text
    sentences = validation.figures["models"]["children"]["verdict"]["sentences"]
    assert all(sentence in text for sentence in sentences)
    assert "Most wrong films" in text and "Drift against the card" in text


def test_the_csv_has_a_row_for_each_film_and_problem(validation: Validation) -> None:
    rows = list(csv.DictReader(io.StringIO(film_rows.to_csv(validation).decode("utf-8-sig"), newline="")))
    assert len(rows) == len(validation.results) + 1
    odd = rows[-2]
    assert (odd["label"], odd["answer"], odd["is_correct"], odd["age"]) == ("Pneumonia", "Normal", "0", "4")
    assert odd["site"] == "'=1+1"  # no spreadsheet evaluates it
    assert (rows[-1]["file"], rows[-1]["problem_code"]) == ("lost.png", "no_file")
    failed = next(row for row in rows if row["reason_code"] == "unreadable_image")
    assert (failed["answer"], failed["is_correct"]) == ("Unknown", "")


def test_the_figures_are_json(validation: Validation) -> None:
    figures = json.loads(json.dumps(validation.figures))
    assert set(figures) == {
        "format", "created", "site", "question", "films", "independence", "service", "models", "subgroups", "problems"
    }  # fmt: skip


def test_a_validation_without_films_has_a_report(predictor: Predictor) -> None:
    report = report_of(validated(predictor, []))
    assert report.verdicts == [] and report_pdf.to_pdf(report).startswith(b"%PDF")


def test_drift_is_measured_against_the_values_of_the_card(predictor: Predictor) -> None:
    """Twice the same distribution has p = 1; without a reference the threshold table gives a bound for the scores."""
    model = predictor.models[0]
    results = [
        replace(
            made_result(f"{n}", n % 2, "Normal", 0.05 + n / 150), measures={"resemblance": float(n), "distance": 0.5}
        )
        for n in range(100)
    ]
    values = [0.05 + n / 150 for n in range(100)]
    entry = {
        "probability": {"Normal": values[::2], "Pneumonia": [0.99] * 40},
        "resemblance": [float(n) for n in range(100)],
        "distance": [0.9] * 30,
    }
    made = type("Made", (), {"evaluation": {reference_measures.KEY: entry}, "served_run": None})()
    rows = drift(results, made)
    assert rows["score: Normal"]["statistic"] == 0 and rows["score: Normal"]["p_value"] == 1
    assert rows["score: Pneumonia"]["p_value"] < 1e-9
    assert (rows["resemblance"]["p_value"], rows["distance"]["statistic"]) == (1, 1)
    assert rows["distance"]["card_films"] == 30 and rows["distance"]["source"] == "values"
    bundle = type("Old", (), {"evaluation": {}, "served_run": model.bundle.served_run})()
    old = drift(results, bundle)
    assert old["score: Normal"]["source"] == "thresholds" and old["resemblance"]["source"] is None


def test_the_reference_has_sorted_values_by_class(predictor: Predictor, normal_film: Any) -> None:
    inputs = np.stack([normal_film, np.roll(normal_film, 2, axis=1), normal_film[:, ::-1]])
    entry = reference_scores.measure(predictor.models[0], inputs, np.array([0, 0, 1]))
    assert entry["films"] == len(entry["resemblance"]) == len(entry["distance"]) == 3
    assert entry["resemblance"] == sorted(entry["resemblance"])
    assert len(entry["probability"]["Normal"]) <= 2


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, write_films: Callable[..., Path]) -> Path:
    names = {"films/NORMAL": ["a.png", "b.png", "c.png"], "films/Pneumonia": ["d.png", "e.png"]}
    root: Path = write_films(tmp_path_factory.mktemp("validate"), names)
    (root / "films/NORMAL/broken.jpg").write_bytes(b"no film")
    (root / "films/notes.txt").write_text("no label")
    return root


def test_the_command_writes_the_report(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    assert main(["validate", str(films / "films"), "--out", str(out), "--json", "--age", "3", "--workers", "1"]) == 1
    figures = json.loads(capsys.readouterr().out)
    assert {path.name for path in out.iterdir()} == {"figures.json", "films.csv", "report.html", "report.pdf"}
    assert figures["films"]["classes"] == {"Normal": 4, "Pneumonia": 2}
    assert (figures["films"]["unreadable"], figures["films"]["problems"]) == (1, {"no_label": 1})
    assert figures["models"]["children"]["answers"]["Normal"] == {"Normal": 3}
    assert main(["validate", str(films / "films"), "--out", str(out)]) == 2
    assert "not empty" in capsys.readouterr().err


def test_the_command_takes_a_table(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "truth.csv"
    table.write_bytes(
        "Datei;Befund;Alter;Patient\na.png;0;3;x\nb.png;0;40;x\nd.png;1;3;y\nz.png;1;3;z\n".encode("utf-16")
    )
    columns = [
        "--file-column",
        "Datei",
        "--label-column",
        "Befund",
        "--age-column",
        "Alter",
        "--group-column",
        "Patient",
    ]
    arguments = ["validate", str(films / "films"), "--labels", str(table), "--out", str(tmp_path / "out"), *columns]
    assert main([*arguments, "--json", "--workers", "1", "--cost-ratio", "5", "--prevalence", "0.2"]) == 1
    figures = json.loads(capsys.readouterr().out)
    assert figures["independence"] == "patients" and figures["films"]["used"] == 3
    assert figures["films"]["problems"] == {"no_file": 1, "no_row": 4}
    assert figures["question"]["goal"] == {"sensitivity": None, "cost_ratio": 5.0}
    assert {row["group"] for row in figures["subgroups"] if row["by"] == "age"} == {"1-5", "40-59"}


@pytest.mark.parametrize(
    "options",
    [["--sensitivity", "0.9", "--cost-ratio", "5"], ["--sensitivity", "1.2"], ["--cost-ratio", "0"], ["--age", "200"],
     ["--operating-point", "none"], ["--prevalence", "2"], ["--label-column", "x"], ["--save-site", "site.json"]],
)  # fmt: skip
def test_wrong_usage_ends_with_2(films: Path, tmp_path: Path, options: list[str]) -> None:
    if options[0] == "--save-site":  # too few films for a local operating point
        options = ["--save-site", str(tmp_path / "site.json"), "--workers", "1"]
    assert main(["validate", str(films / "films/NORMAL"), "--out", str(tmp_path / "out"), *options]) == 2
    assert not (tmp_path / "site.json").exists()


@pytest.mark.slow
def test_real_films_of_both_populations(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """60 films of each class and population; the children's model learnt from its films, so its verdict is positive."""
    paths = [
        str(path)
        for folder in (
            "chest_xray/train/NORMAL",
            "chest_xray/train/PNEUMONIA",
            "adults/siim/NORMAL",
            "adults/siim/PNEUMONIA",
        )
        for path in sorted((data / folder).iterdir())[:60]
    ]
    site = tmp_path / "site.json"
    assert main(["validate", *paths, "--out", str(tmp_path / "out"), "--json", "--save-site", str(site)]) in {0, 1}
    figures = json.loads(capsys.readouterr().out)
    assert figures["models"]["children"]["verdict"]["code"] == "use"
    assert figures["models"]["adults"]["discrimination"]["auroc"]["value"] > 0.7
    assert json.loads(site.read_text(encoding="utf-8"))["models"].keys() <= {"children", "adults"}
