"""Summary, report and command `monitor` of counts that were made."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pneumonia import Predictor, settings
from pneumonia.cli.main import main
from pneumonia.languages import LANGUAGES, use_language
from pneumonia.monitoring import store
from pneumonia.monitoring.counts import Series
from pneumonia.monitoring.drift import LARGE, NONE, SHIFT, TOO_FEW
from pneumonia.monitoring.report import NOT_COMPARED, report_of, verdict_code
from pneumonia.monitoring.report_text import as_text
from pneumonia.monitoring.summary import ALL_SOURCES, MIN_SHOWN, GroupSummary, errors, summarise
from pneumonia.monitoring.summary_json import as_dict
from pneumonia.validation.report_html import to_html
from tests.monitoring import made_counts
from tests.monitoring.made_counts import DRIFTED, STABLE

TODAY = date(2026, 11, 26)


@pytest.fixture(scope="module")
def rows(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> list[store.Row]:
    folder = tmp_path_factory.mktemp("counts")
    model = predictor.models[1]
    made_counts.write(folder, model, TODAY)
    few = made_counts.series_of_model(model, "WARD_FEW")._replace(sha256="0" * 64)
    store.add(folder, {(TODAY.isoformat(), few): {("answer", "Pneumonia"): MIN_SHOWN - 1}})
    other = few._replace(source="OLD_MODEL", sha256="1" * 64)
    store.add(folder, {(TODAY.isoformat(), other): {("answer", "Normal"): 60}})
    store.add(folder, {(TODAY.isoformat(), Series("cli")): {("error", "unreadable_image"): 2}})
    return store.read(folder)


@pytest.fixture(scope="module")
def summaries(rows: list[store.Row], predictor: Predictor) -> dict[str, GroupSummary]:
    return {entry.group.source: entry for entry in summarise(rows, [model.bundle for model in predictor.models], TODAY)}


def test_each_source_has_its_verdict(summaries: dict[str, GroupSummary]) -> None:
    verdicts = {source: verdict_code(entry) for source, entry in summaries.items()}
    assert verdicts[STABLE] == NONE
    assert verdicts[DRIFTED] == LARGE
    assert verdicts[ALL_SOURCES] in {SHIFT, LARGE}
    assert verdicts["OLD_MODEL"] == NOT_COMPARED
    assert summaries[ALL_SOURCES].films == summaries[STABLE].films + summaries[DRIFTED].films == 1200


def test_few_scored_films_have_no_verdict(predictor: Predictor, tmp_path: Path) -> None:
    made_counts.write(tmp_path, predictor.models[1], TODAY, films=10, weeks=1)
    entries = summarise(store.read(tmp_path), [model.bundle for model in predictor.models], TODAY)
    assert {verdict_code(entry) for entry in entries} == {TOO_FEW}


@pytest.mark.parametrize(("moved_from", "result"), [(0, NONE), (28, LARGE)])
def test_a_device_that_changes_is_told_from_one_that_always_differed(
    predictor: Predictor, tmp_path: Path, moved_from: int, result: str
) -> None:
    """Films that have differed from the card from the beginning, and films that differ since four weeks."""
    model = predictor.models[1]
    for folder in ("before", "now"):
        made_counts.write(tmp_path / folder, model, TODAY, weeks=4)
    source = {"before": STABLE if moved_from else DRIFTED, "now": DRIFTED}
    rows = [
        replace(row, day=row.day - timedelta(days=35 if folder == "before" else 0), series=series)
        for folder in ("before", "now")
        for row in store.read(tmp_path / folder)
        if row.series.source == source[folder]
        for series in [row.series._replace(source="CR1")]
    ]
    (entry,) = summarise(rows, [model.bundle], TODAY)
    assert verdict_code(entry) == LARGE
    assert {comparison.result for comparison in entry.changes.values()} >= {result}
    text = as_text(report_of([entry], {}, TODAY - timedelta(90), TODAY))
    assert ("do not differ from those of the days before" in text) == (result == NONE)
    assert ("Different from the earlier films of this source" in text) == (result == LARGE)
    assert ("Drift: the films of the last 28 days differ" in text) == (result == LARGE)


def test_a_model_that_is_not_loaded_is_compared_with_its_own_earlier_films(
    predictor: Predictor, tmp_path: Path
) -> None:
    made_counts.write(tmp_path, predictor.models[1], TODAY, weeks=8)
    entries = summarise(store.read(tmp_path), [], TODAY)
    assert {verdict_code(entry) for entry in entries} == {NOT_COMPARED}
    assert {entry.changes["refused"].result for entry in entries} == {NONE}


def test_groups_and_weeks_of_few_films_show_no_answer(
    rows: list[store.Row], summaries: dict[str, GroupSummary]
) -> None:
    entries = list(summaries.values())
    report = report_of(entries, errors(rows), TODAY - timedelta(90), TODAY)
    assert "WARD_FEW" not in as_text(report)
    assert f"fewer than {MIN_SHOWN} films" in as_text(report)
    figures = as_dict(entries, errors(rows), TODAY - timedelta(90), TODAY)
    (few,) = (group for group in figures["groups"] if group["source"] == "WARD_FEW")
    assert few["films"] is None and "answers" not in few


def test_the_report_names_what_differs_and_what_was_counted(
    rows: list[store.Row], summaries: dict[str, GroupSummary]
) -> None:
    text = as_text(report_of(list(summaries.values()), errors(rows), TODAY - timedelta(90), TODAY))
    assert f"{DRIFTED}: model for adults of 18 years and over" in text
    assert (
        "Different from the films of the model's card: Gate: largest measure as a share of its limit (very different)."
        in text
    )
    assert "(< .0001)" in text
    assert "unreadable_image" in text and "2026-11-02" in text
    assert "They do not measure accuracy." in text


def test_the_report_is_drawn_in_every_language(rows: list[store.Row], summaries: dict[str, GroupSummary]) -> None:
    report = report_of(list(summaries.values()), errors(rows), TODAY - timedelta(90), TODAY)
    for language in LANGUAGES:
        with use_language(language):
            html = to_html(report)
        assert html.count("<svg") >= 9
        assert "http" not in html


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, predictor: Predictor) -> Path:
    monkeypatch.setenv(settings.MONITOR.name, str(tmp_path / "counts"))
    made_counts.write(tmp_path / "counts", predictor.models[1], date.today(), weeks=2)
    return tmp_path / "counts"


def test_the_command_prints_json_and_writes_html(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", "--json", "--html", str(tmp_path / "report.html")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [group["source"] for group in figures["groups"]][0] is None
    assert {group["source"]: group["films"] for group in figures["groups"]} == {None: 600, STABLE: 300, DRIFTED: 300}
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_period_begins_at_a_day_or_so_many_days_ago(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for since, films in (("3", 300), ((date.today() - timedelta(10)).isoformat(), 600)):
        assert main(["monitor", "--json", "--since", since]) == 0
        assert json.loads(capsys.readouterr().out)["groups"][0]["films"] == films


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "99999999"])
def test_an_invalid_first_day_is_wrong_usage(folder: Path, since: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--since", since]) == 2
    assert "Allowed: YYYY-MM-DD" in capsys.readouterr().err


def test_the_command_says_that_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(settings.MONITOR.name, raising=False)
    assert main(["monitor"]) == 2
    assert "PNEUMONIA_MONITOR" in capsys.readouterr().err
    monkeypatch.setenv(settings.MONITOR.name, str(tmp_path / "missing"))
    assert main(["monitor"]) == 0
    assert "Nothing was counted" in capsys.readouterr().out
    assert not (tmp_path / "missing").exists()


def test_a_damaged_folder_is_an_error_without_a_traceback(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / store.FILE_NAME).write_bytes(b"x" * 5000)
    assert main(["monitor"]) == 2
    assert capsys.readouterr().err.endswith("Received: DatabaseError.\n")
