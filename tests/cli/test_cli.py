"""The command line: stdout, stderr and exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumonia import Predictor, cli
from pneumonia.inference import decision, sources

from .conftest import FIELDS, WriteFilms, rows

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process in English, without the developer's settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMONIA_")}
    inherited |= {"PNEUMONIA_LANGUAGE": "en"}
    command = [sys.executable, "-m", "pneumonia", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**inherited, **environment}, timeout=300
    )


def usage_error(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return caught.value.code


def test_predict_prints_one_line_per_film(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"{film}: ")
    assert any(label in line for label in (*decision.CLASSES, decision.UNKNOWN))
    assert line.count("\n") == 1


def test_predict_json_has_the_documented_fields(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--json"]) == 0
    [row] = rows(capsys.readouterr().out)
    assert set(row) == FIELDS
    assert row["file"] == film
    assert row["operating_point"] == "balanced"
    assert set(row["model"]) == {"name", "revision", "sha256", "site"}
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=2e-4)


def test_json_keeps_the_order_and_an_unreadable_file_has_its_row(
    film: str, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = film + ".missing"
    assert cli.main(["predict", broken, film, missing, film, "--json"]) == 1
    results = rows(capsys.readouterr().out)
    assert [row["file"] for row in results] == [broken, film, missing, film]
    assert [set(row) for row in results] == [{"file", "error"}, FIELDS, {"file", "error"}, FIELDS]
    assert all(set(row["error"]) == {"code", "message"} for row in results if "error" in row)


@pytest.mark.parametrize("kind", ["empty", "folder", "text", "missing"])
def test_a_file_that_is_not_a_film_is_a_failed_row(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_text("" if kind == "empty" else "not a film")
    assert cli.main(["predict", str(path), "--json"]) == 1
    [row] = rows(capsys.readouterr().out)
    assert row["error"]["code"] != "internal"


def test_an_unreadable_file_is_printed_with_its_error(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", broken]) == 1
    assert capsys.readouterr().out.startswith(f"{broken}: unreadable_image: ")


def test_a_refused_film_is_printed_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blank = tmp_path / "blank.png"
    Image.fromarray(np.full((200, 200), 128, np.uint8)).save(blank)
    assert cli.main(["predict", str(blank)]) == 0
    assert decision.REASONS["unreadable_contrast"] in capsys.readouterr().out


def test_the_operating_point_is_used(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--json", "--operating-point", "screening"]) == 0
    assert rows(capsys.readouterr().out)[0]["operating_point"] == "screening"


def test_an_unknown_operating_point_is_wrong_usage(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--json", "--operating-point", "lucky"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Allowed: screening, balanced, confirm" in err and "'lucky'" in err


def test_the_prevalence_is_used_and_stated(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--json"]) == 0
    assert cli.main(["predict", film, "--json", "--prevalence", "0.1"]) == 0
    default, adjusted = rows(capsys.readouterr().out)
    assert set(adjusted) == FIELDS
    assert adjusted["label"] == default["label"]
    assert adjusted["probabilities"] == default["probabilities"]
    assert (default["prevalence"], adjusted["prevalence"]) == (0.5, 0.1)
    assert adjusted["probability_at_prevalence"] < default["probability_at_prevalence"]
    assert default["predictive_value"] != adjusted["predictive_value"]


def test_the_text_says_what_the_answer_means_at_the_prevalence(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--prevalence", "0.125"]) == 0
    out = capsys.readouterr().out
    assert "At a prevalence of 12.5 %, P(pneumonia) of this film is " in out
    assert "Of 100 films answered Normal at this operating point and a prevalence of 12.5 %" in out


@pytest.mark.parametrize("prevalence", ["0", "1", "-1", "nan", "10"])
def test_an_invalid_prevalence_is_wrong_usage(film: str, prevalence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--prevalence", prevalence]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Allowed: above 0 and below 1" in err


def test_the_age_is_used_and_stated(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", film, "--age", "10", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["reason"]["code"], row["age"], row["age_source"]) == ("age_not_covered", 10, "stated")


@pytest.mark.parametrize("age", ["-1", "131", "nan", "inf"])
@pytest.mark.parametrize("command", ["predict", "batch"])
def test_an_invalid_age_is_wrong_usage(
    command: str, age: str, film: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = [] if command == "predict" else ["--out", str(tmp_path / "table.csv")]
    assert cli.main([command, film, *out, "--age", age]) == 2
    assert "Allowed: 0 to 130 years" in capsys.readouterr().err
    assert not list(tmp_path.glob("table*"))


@pytest.mark.parametrize("command", [["predict", "film.png"], ["model"], ["evaluate", "--data", "data"]])
def test_a_missing_model_is_reported(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*command, "--model", "/no/such/model"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("model_not_found: ")


def test_the_requested_model_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(sources.EMBEDDED_FOLDER, tmp_path / "mine")
    assert cli.main(["model", "--json", "--model", str(folder)]) == 0
    assert rows(capsys.readouterr().out)[0]["name"] == "mine"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["predict"], ["evaluate"], ["model", "extra"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert usage_error(*arguments) == 2


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["predict", "--help"]])
def test_help_exits_with_0(arguments: list[str]) -> None:
    assert usage_error(*arguments) == 0


def test_help_names_commands_settings_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    usage_error("--help")
    text = capsys.readouterr().out
    for word in ("predict", "evaluate", "model", "PNEUMONIA_MODEL", "PNEUMONIA_HUB_TIMEOUT_S", "exit codes"):
        assert word in text


def test_model_json_is_the_description_of_the_predictor_with_the_documented_keys(
    capsys: pytest.CaptureFixture[str], predictor: Predictor
) -> None:
    assert cli.main(["model", "--json"]) == 0
    [description] = rows(capsys.readouterr().out)
    assert description == json.loads(json.dumps(predictor.describe()))
    assert set(description) == {
        "name",
        "revision",
        "sha256",
        "operating_points",
        "figures",
        "populations",
        "population",
        "licence",
        "site",
    }
    assert description["name"] == "embedded"
    assert set(description["operating_points"]) == {"screening", "balanced", "confirm"}
    for point in description["operating_points"].values():
        assert set(point) == {"low", "threshold", "high"}
    assert set(description["figures"]["official"]["accuracy"]) == {"value", "low", "high"}


def test_model_prints_identity_operating_points_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model"]) == 0
    text = capsys.readouterr().out
    identity = sources.load_bundle("").identity
    for word in (identity.sha256, identity.revision, "screening", "balanced", "confirm", "official: accuracy"):
        assert word in text


def test_a_process_prints_json_only(film: str) -> None:
    process = run("predict", film, film, "--json", PNEUMONIA_THREADS="1")
    assert process.returncode == 0, process.stderr
    assert [row["file"] for row in rows(process.stdout)] == [film, film]


def test_a_process_exits_with_1_if_a_file_failed(film: str, broken: str) -> None:
    process = run("predict", broken, film, "--json", PNEUMONIA_THREADS="1")
    assert process.returncode == 1
    assert len(rows(process.stdout)) == 2
    assert "Traceback" not in process.stderr


def test_a_process_exits_with_2_for_an_invalid_setting(film: str) -> None:
    process = run("predict", film, "--json", PNEUMONIA_THREADS="many")
    assert process.returncode == 2
    assert (process.stdout, "PNEUMONIA_THREADS" in process.stderr) == ("", True)


def test_a_process_without_a_command_exits_with_2() -> None:
    process = run()
    assert process.returncode == 2
    assert "usage: python -m pneumonia" in process.stderr


def test_a_name_that_is_not_utf8_does_not_end_the_run(film: str, tmp_path: Path) -> None:
    """A file name that is not UTF-8, as from an old file system."""
    not_utf8 = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    shutil.copy(film, not_utf8)
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    process = subprocess.run(
        [sys.executable, "-m", "pneumonia", "predict", not_utf8, film], cwd=ROOT, capture_output=True, env=strict
    )
    assert process.returncode == 0, process.stderr
    assert len(process.stdout.splitlines()) == 2


def test_patterns_that_no_shell_expanded_are_expanded(
    tmp_path: Path, write_films: WriteFilms, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shells of Windows leave it to the program."""
    write_films(tmp_path, {"f": ["a.png", "b.png", "[1].png"]})
    monkeypatch.chdir(tmp_path / "f")
    assert cli.main(["predict", "*.png", "[1].png", "*.dcm", "--json"]) == 1
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["file"] for record in records] == ["[1].png", "a.png", "b.png", "[1].png", "*.dcm"]
    assert [record for record in records if "error" in record] == [records[-1]]


def test_a_name_cannot_change_the_lines_of_a_terminal(film: str, tmp_path: Path) -> None:
    odd = tmp_path / "a\nb\x1b[2J\u202e.png"
    shutil.copy(film, odd)
    process = run("predict", str(odd))
    assert (process.returncode, len(process.stdout.splitlines())) == (0, 1)
    assert r"a\nb\x1b[2J\u202e.png: Normal" in process.stdout


def test_a_closed_pipe_prints_no_traceback(film: str) -> None:
    command = [sys.executable, "-m", "pneumonia", "predict", *[film] * 40]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert "Traceback" not in errors and "BrokenPipe" not in errors
