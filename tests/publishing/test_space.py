"""The front matter of the README defines a valid Space, and its versions match the requirements."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import RepoCard

from pneumonia.inference import sources
from pneumonia.publishing import space_files

ROOT = Path(__file__).parents[2]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def space() -> dict[str, Any]:
    data: Any = RepoCard((ROOT / "README.md").read_text()).data
    return dict(data.to_dict())


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(line.partition(";")[0].split("==") for line in lines if "==" in line and not line.startswith("#"))


def test_the_required_fields(space: dict[str, Any]) -> None:
    assert space["sdk"] == "gradio"
    assert (ROOT / space["app_file"]).is_file()
    assert {space["colorFrom"], space["colorTo"]} <= COLOURS
    assert len(space["short_description"]) <= 60
    assert space["suggested_hardware"] == "cpu-basic"
    # The code is MIT; the weights of the adults' model are for non-commercial research only.
    assert (space["license"], space["license_link"]) == ("other", "NOTICE")
    assert (ROOT / space["license_link"]).is_file()


def test_the_sdk_is_the_pinned_gradio(space: dict[str, Any]) -> None:
    assert space["sdk_version"] == pins()["gradio"]


def test_python_is_quoted_and_supported(space: dict[str, Any]) -> None:
    assert space["python_version"] == "3.12"
    assert 'python_version: "3.12"' in (ROOT / "README.md").read_text()


def test_serving_installs_no_training_library() -> None:
    reading = {"numpy", "pillow", "pydicom", "python-gdcm"}
    batches = {"reportlab", "uharfbuzz", "tqdm", "filelock"}
    assert set(pins()) == {"gradio", "huggingface_hub", "ai-edge-litert", "uvicorn", "jinja2", *reading, *batches}


def test_a_space_contains_every_file_that_the_page_reads_from_its_folder() -> None:
    web = ROOT / "pneumonia" / "web"
    data_files = {
        path.relative_to(ROOT).as_posix() for path in web.rglob("*.*") if path.suffix in {".css", ".html", ".js"}
    }
    assert {"pneumonia/web/page.css", "pneumonia/web/templates/evidence/gate.html"} <= data_files
    assert data_files <= set(space_files.files("owner/space", sources.load_bundles("")))


def test_a_space_contains_what_a_fhir_bundle_needs() -> None:
    """FHIR needs no extra package, but the codes of the structured report."""
    names = set(space_files.files("owner/space", sources.load_bundles("")))
    assert {"pneumonia/reporting/fhir/bundle.py", "pneumonia/reporting/dicom/codes.json"} <= names


def test_every_direct_dependency_is_pinned() -> None:
    for path in [*ROOT.glob("requirements*.txt"), *ROOT.glob("requirements/*.txt")]:
        for line in path.read_text().splitlines():
            assert not line or line.startswith(("#", "-r ")) or re.match(r"[\w.-]+(\[\w+\])?==[\w.]+(;.*)?$", line), (
                line
            )


def test_no_file_of_the_repository_needs_lfs() -> None:
    large = [path for path in (ROOT / "pneumonia").rglob("*") if path.is_file() and path.stat().st_size > 10_000_000]
    assert large == []
