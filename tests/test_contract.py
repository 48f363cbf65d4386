"""The public names that users rely on; renaming one is a breaking change."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pneumonia
from pneumonia import errors, settings
from pneumonia.cli import main
from pneumonia.cli.main import COMMANDS
from pneumonia.inference.decision import CLASSES, REASONS
from pneumonia.inference.populations import POPULATIONS
from pneumonia.web import dicom_results, handlers
from tests.support.error_codes import FILM_CODES, PUBLISHING_CODES, START_CODES

ROOT = Path(__file__).parents[1]
API = (ROOT / "docs" / "api.md").read_text()


DEFAULTS: dict[str, tuple[str, object]] = {
    "PNEUMONIA_MODEL": ("", ""),
    "PNEUMONIA_SITE": ("", ""),
    "PNEUMONIA_HUB_TIMEOUT_S": ("10", 10),
    "PNEUMONIA_AUTH": ("", []),
    "PNEUMONIA_TOKENS": ("", []),
    "PNEUMONIA_TRUSTED_PROXIES": ("", []),
    "PNEUMONIA_MAX_FILE_MB": ("50", 50),
    "PNEUMONIA_MAX_UPLOAD_MB": ("1000", 1000),
    "PNEUMONIA_MAX_PIXELS": ("80000000", 80_000_000),
    "PNEUMONIA_QUEUE_SIZE": ("64", 64),
    "PNEUMONIA_RETENTION_S": ("600", 600),
    "PNEUMONIA_SHARE": ("0", False),
    "PNEUMONIA_MCP": ("0", False),
    "PNEUMONIA_UID_ROOT": ("", ""),
    "PNEUMONIA_MONITOR": ("", ""),
    "PNEUMONIA_MONITOR_DAYS": ("400", 400),
    "PNEUMONIA_LANGUAGE": ("", "en"),
    "PNEUMONIA_DATA": ("", ""),
}
"""Setting -> the default in the docs, and its value. The value of `PNEUMONIA_THREADS` depends on the machine."""


def all_codes(root: type[errors.PneumoniaError]) -> set[str]:
    return {root.code}.union(*(all_codes(child) for child in root.__subclasses__()))


def test_the_public_names_and_their_parameters_are_those_of_the_contract() -> None:
    assert pneumonia.__all__ == ["Failure", "PneumoniaError", "Prediction", "Predictor", "load_predictor"]
    assert list(inspect.signature(pneumonia.load_predictor).parameters)[0] == "model"
    assert list(inspect.signature(pneumonia.Predictor.predict).parameters)[1:3] == ["source", "operating_point"]
    assert list(inspect.signature(pneumonia.Predictor.predict_many).parameters)[1:3] == ["sources", "operating_point"]
    optional = {"prevalence": ("predict", "predict_many", "decide"), "age": ("predict", "predict_many", "read")}
    for name, methods in optional.items():
        for method in methods:
            assert inspect.signature(getattr(pneumonia.Predictor, method)).parameters[name].default is None


def test_labels_and_reasons() -> None:
    assert CLASSES == ("Normal", "Pneumonia")
    refused = {"not_a_chest_film", "unlike_training_films", "unreadable_contrast"}
    assert set(REASONS) == refused | {"age_not_covered", "population_unclear", "inconclusive"}
    assert all(f"`{code}`" in API for code in REASONS)
    assert all(f"`{name}`" in API for name in POPULATIONS)


def test_every_error_code_exists_and_is_documented() -> None:
    codes = all_codes(errors.PneumoniaError)
    assert codes >= FILM_CODES | START_CODES | PUBLISHING_CODES
    assert all(f"`{code}`" in API for code in codes)


def test_settings_and_their_defaults_are_in_the_docs() -> None:
    fixed = [row for row in settings.SETTINGS if row is not settings.THREADS]
    assert {row.name: (row.default, row.read()) for row in fixed} == DEFAULTS
    assert settings.THREADS.default == "cores"
    assert settings.as_markdown() in API


@pytest.mark.parametrize("command", ["predict", "batch", "validate", "archive"])
def test_commands_that_predict_take_the_age(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "--age YEARS" in capsys.readouterr().out
    [line] = re.findall(rf"^python -m pneumonia {command} .*", API, re.MULTILINE)
    assert "[--age YEARS]" in line


@pytest.mark.parametrize(
    "handler", [handlers.predict, handlers.predict_batch, handlers.analyze, dicom_results.dicom_results]
)
def test_the_age_is_the_last_and_optional_input_of_an_endpoint(handler: Callable[..., object]) -> None:
    *_, last = inspect.signature(handler).parameters.values()
    assert (last.name, last.default) == ("age", None)


@pytest.mark.parametrize("command", ["predict", "batch", "archive", "evaluate", "model", "monitor", "deploy"])
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main([command, "--help"])
    assert exit_info.value.code == 0
    assert "--model" in capsys.readouterr().out


PUBLISHING = {
    "publish": {"OWNER/NAME", "--bundle", "--tag", "--private", "--dry-run"},
    "deploy": {"OWNER/SPACE", "--model", "--private", "--dry-run"},
}


@pytest.mark.parametrize("command", PUBLISHING)
def test_publish_and_deploy_have_the_documented_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help`, the reference and the command's own page name the same options, no more and no fewer."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    help_text = capsys.readouterr().out
    options = set(re.findall(r"--[\w-]+", help_text)) - {"--help"}
    assert options | {POSITIONAL_ARGUMENT[command]} == PUBLISHING[command]
    assert POSITIONAL_ARGUMENT[command] in help_text
    [line] = re.findall(rf"python -m pneumonia {command} .*", API)
    assert set(re.findall(r"--[\w-]+", line)) | {POSITIONAL_ARGUMENT[command]} == PUBLISHING[command]
    page = (ROOT / "docs" / f"{command}.md").read_text()
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(--[\w-]+)", table)) == options
    assert all(code in API for code in PUBLISHING_CODES)


POSITIONAL_ARGUMENT = {"publish": "OWNER/NAME", "deploy": "OWNER/SPACE"}


def test_every_option_of_the_command_line_is_in_the_docs() -> None:
    options = ("--json", "--operating-point", "--prevalence", "--heatmap", "--model", "--data", "--out")
    result_files = ("--dicom-sr", "--secondary-capture", "--presentation-state", "--encapsulated-pdf", "--fhir")
    others = ("--sr-class", "--uid-root", "--jsonl", "--resume", "--workers", "--address")
    for option in (*options, *result_files, *others):
        assert option in API


@pytest.mark.parametrize("command", ["batch", "archive"])
def test_the_page_of_a_command_documents_the_options_of_its_help(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    help_text = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    page = (ROOT / "docs" / f"{command}.md").read_text()
    table = set(re.findall(r"--[a-z-]+", "".join(line for line in page.splitlines(True) if line.startswith("| `"))))
    assert table == help_text
    assert {"--out", "--model"} <= help_text


def test_every_command_is_in_the_docs() -> None:
    documented = set(re.findall(r"^python -m pneumonia (\w+)", API, re.MULTILINE))
    assert documented == {command.__name__.rpartition(".")[2] for command in COMMANDS}


def test_serve_has_the_options_of_app_py(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["serve", "--help"])
    assert exit_info.value.code == 0
    assert "[--share]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry_point", "options"),
    [
        ("app", ["--share"]),
        ("train", ["--data", "--recipe", "--split", "--out", "--epochs", "--seed", "--resume"]),
    ],
)
def test_train_and_app_have_help(
    entry_point: str, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [f"{entry_point}.py", "--help"])
    with pytest.raises(SystemExit) as exit_info:
        importlib.import_module(entry_point).main()
    assert exit_info.value.code == 0
    assert set(options) <= set(re.findall(r"--\w+", capsys.readouterr().out))
