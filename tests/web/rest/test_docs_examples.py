"""The commands and programs of docs/rest.md, as they stand there."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pneumonia import settings
from pneumonia.reporting import result_files
from pneumonia.web.batch_job import MAX_FILMS
from pneumonia.web.rest import responses, result_kinds, spool
from pneumonia.web.server import request_limits, shutdown

DOCS = (Path(__file__).parents[3] / "docs" / "rest.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL) for line in block.strip().splitlines()]
PROGRAMS = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, large_film: Any, encode: Any) -> Path:
    """A folder with the files that the examples name."""
    import pydicom
    from pydicom.uid import generate_uid

    from ...support.dicom_files import dicom

    folder = tmp_path_factory.mktemp("examples")
    (folder / "film.png").write_bytes(encode(large_film, "PNG"))
    dataset = pydicom.dcmread(io.BytesIO(dicom(large_film)), force=True)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.save_as(folder / "film.dcm", enforce_file_format=True)
    with zipfile.ZipFile(folder / "films.zip", "w") as archive:
        archive.write(folder / "film.png", "ward/film.png")
        archive.write(folder / "film.dcm", "film.dcm")
    return folder


def test_there_are_examples() -> None:
    assert (len(COMMANDS), len(PROGRAMS)) == (8, 2)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.rpartition("/api/v1/")[2].strip('"'))
def test_a_command_of_the_docs(address: str, folder: Path, command: str) -> None:
    output = re.search(r" -o (\S+)", command)
    if output and "kind=pdf" not in command and not result_files.is_available():
        pytest.skip("needs requirements-hospital.txt")
    assert ADDRESS in command
    run = subprocess.run(
        ["bash", "-c", command.replace(ADDRESS, address)], cwd=folder, capture_output=True, timeout=300, check=True
    )
    assert run.stderr == b""
    if output is None:
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        assert len(answers) == (2 if "batch" in command else 1) and all("label" in answer for answer in answers)
        assert all(answer["age"] == 54 for answer in answers) == ("age" in command)
    else:
        start = {"film.sr.dcm": b"\0" * 128 + b"DICM", "film.pdf": b"%PDF", "results.zip": b"PK\x03\x04"}[output[1]]
        assert (folder / output[1]).read_bytes().startswith(start)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=["one", "many"])
def test_a_program_of_the_docs(address: str, folder: Path, program: str) -> None:
    assert ADDRESS in program
    run = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", program.replace(ADDRESS, address)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"Normal|Pneumonia|Unknown", run.stdout)


def test_the_table_of_errors_has_each_code_with_its_status() -> None:
    rows = re.findall(r"^\| ([0-9, ]+) \| (`.*?) \|", DOCS, re.MULTILINE)
    table = {
        (int(status), code) for statuses, codes in rows for status in statuses.split(",") for code in _codes(codes)
    }
    for code, status in responses.STATUS.items():
        assert (status, code) in table, code


def test_the_limits_in_the_docs_are_those_of_the_service() -> None:
    text = " ".join(DOCS.split())
    assert f"{spool.BODY_MEMORY_MB} MB per request and {spool.MEMORY_MB} MB in total" in text
    assert f"up to {MAX_FILMS:,} films" in text
    assert f"longer than {request_limits.BODY_TIMEOUT_S} s plus 1 s per kB" in text
    assert f"A token has {settings.MIN_TOKEN_LENGTH} or more characters" in text
    assert f"for up to {shutdown.GRACE_S} s" in text
    assert all(f"| `{kind}` |" in DOCS for kind in result_kinds.KINDS)


def _codes(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)
