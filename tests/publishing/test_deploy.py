"""Deployment of the page to a Space: files, model, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import RepoCard

from pneumonia.errors import (
    UsageError,
)
from pneumonia.inference import bundle, sources
from pneumonia.publishing import deploy, space_files
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import WritableHub
from .conftest import MODEL, SPACE
from .deploy_support import KEY, VARIABLE, Command, front_matter, python, send

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def write(files: dict[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_a_space_with_the_embedded_model(hub: WritableHub, page: Repository) -> None:
    assert send(page) == f"{hub.url}/spaces/{SPACE}"
    remote_files = hub.files(KEY)
    assert {f"pneumonia/models/children/{name}" for name in (bundle.CONFIG, bundle.GRAPH, bundle.GATE)} <= set(
        remote_files
    )
    assert hub.variables[KEY] == {}
    assert "preload_from_hub" not in front_matter(hub)
    assert len(hub.history(KEY)) == 2, "the first commit of the Hub, and one commit of this command"


def test_a_space_with_a_model_from_the_hub_pins_its_commit_and_has_no_bundle(
    hub: WritableHub, page: Repository, published: str
) -> None:
    send(page, f"{MODEL}@v1")
    remote_files, metadata = hub.files(KEY), front_matter(hub)
    assert not any(name.startswith("pneumonia/models/children/") for name in remote_files)
    assert hub.variables[KEY] == {VARIABLE: f"{MODEL}@{published}"}, "a tag is resolved, so that it is pinned"
    assert metadata["models"] == [MODEL]
    [preload] = metadata["preload_from_hub"]
    name, files, commit = preload.split(" ")
    assert (name, commit) == (MODEL, published)
    loaded = sources.load_from_hub(f"{MODEL}@{published}", endpoint=hub.url)
    fetched = {path.relative_to(loaded.folder).as_posix() for path in loaded.folder.rglob("*") if path.is_file()}
    assert set(files.split(",")) == fetched, "what the builder fetches is what a start needs"


@pytest.mark.parametrize("revision", ["", "@main", "@v1"])
def test_a_branch_or_tag_is_resolved_to_its_commit(
    hub: WritableHub, page: Repository, published: str, revision: str
) -> None:
    assert deploy.collect_content(page, MODEL + revision).variable == f"{MODEL}@{published}"


def test_the_front_matter_is_that_of_the_repository(hub: WritableHub, page: Repository) -> None:
    send(page)
    card: Any = RepoCard((ROOT / "README.md").read_text())
    assert front_matter(hub) == card.data.to_dict()
    assert re.search(r"""^python_version: ['"]3\.12['"]$""", hub.files(KEY)["README.md"].decode(), re.MULTILINE)


@pytest.mark.parametrize("from_hub", [False, True], ids=["embedded", "from the Hub"])
def test_no_link_of_the_spaces_readme_is_broken(
    hub: WritableHub, page: Repository, published: str, from_hub: bool
) -> None:
    send(page, MODEL if from_hub else None)
    remote_files = hub.files(KEY)
    text = remote_files["README.md"].decode()
    targets = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    assert targets
    assert [each for each in targets if not each.startswith("https://") and each not in remote_files] == []
    assert "does not replace a radiologist" in text and f'Client("{SPACE}")' in text
    assert not re.findall(r"\]\(#", text), "its sections are others than those of the repository's README"
    assert ("## Figures" in text) != from_hub
    assert (published in text) == from_hub
    cards = {f"pneumonia/models/{model.population.name}/README.md" for model in sources.load_bundles("")}
    assert cards & set(targets) == (set() if from_hub else cards), "the cards of the models that the Space serves"
    assert ("| Sensitivity" in text) != from_hub, "figures of the embedded models do not describe another one"


FORMATTING = "__init__|audit_tables|external_tables|number_format|population_tables|summary|tables?"
"""Modules of the evaluation that turn figures into text; the page imports them."""

LOCAL_VALIDATION = "curves|intervals|kolmogorov_smirnov|metrics|operating_points|recalibration|reference_measures"
"""Modules of the evaluation that measure a site's own films; the page imports them when it validates."""

UNWANTED = (
    rf"tests?/|benchmarks/|docs/|pneumonia/learning/|pneumonia/evaluation/(?!({FORMATTING}|{LOCAL_VALIDATION})\.py)|train\.py|"
    r".*(cli|__main__|publish|deploy|space)\.py"
)


def test_only_what_serving_needs_is_uploaded(hub: WritableHub, page: Repository) -> None:
    (ROOT / "pneumonia" / "web" / "__pycache__").mkdir(exist_ok=True)
    files = deploy.collect_content(page).files
    assert [name for name in files if re.match(UNWANTED, name)] == []
    evaluation = {Path(name).stem for name in files if name.startswith("pneumonia/evaluation/")}
    assert all(re.fullmatch(f"{FORMATTING}|{LOCAL_VALIDATION}", name) for name in evaluation)
    assert [name for name in files if "__pycache__" in name or name.startswith(".")] == []
    assert {name for name in files if "/" not in name} == {*space_files.COPIED_FILES, "README.md"}
    assert [name for name in files if "require" in name] == ["requirements.txt"]


@pytest.fixture
def space_folder(page: Repository, tmp_path: Path) -> Iterator[Path]:
    """The files of the Space in an empty folder."""
    files = deploy.collect_content(page).files
    data = {name: content if isinstance(content, bytes) else content.read_bytes() for name, content in files.items()}
    yield write(data, tmp_path / "space")


SERVING = """
import importlib, pathlib, sys
sys.path.insert(0, ".")
import app
from pneumonia import load_predictor
from pneumonia.reporting import pdf_report
from pneumonia.web import page
predictor = load_predictor()
page.create_app(predictor)
film = predictor.models[0].bundle.examples[1]
reading = predictor.read(film)
prediction = predictor.decide(reading)
print(prediction.label, prediction.probability)
for path in pathlib.Path("pneumonia").rglob("*.py"):
    # Includes modules that are imported lazily, for a report or a batch.
    importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
loaded = [module for name, module in sys.modules.items() if name.split(".")[0] in ("pneumonia", "app")]
assert all(pathlib.Path(module.__file__).is_relative_to(pathlib.Path.cwd()) for module in loaded)
"""


@pytest.mark.slow
def test_the_uploaded_folder_serves_without_the_repository(space_folder: Path, predictor: Any) -> None:
    process = python(SERVING, space_folder)
    assert process.returncode == 0, process.stderr
    label, probability = process.stdout.split()
    expected = predictor.predict(predictor.models[0].bundle.examples[1])
    assert (label, float(probability)) == (expected.label, expected.probability)


def test_data_files_next_to_modules_are_uploaded(space_folder: Path) -> None:
    data_files = [
        path for path in (ROOT / "pneumonia").rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]
    expected = {path.relative_to(ROOT).as_posix() for path in data_files if "web" in path.parts}
    assert {name for name in expected if not (space_folder / name).is_file()} == set()


def test_a_second_deployment_uploads_nothing(hub: WritableHub, page: Repository) -> None:
    send(page)
    before = hub.history(KEY)
    hub.steps.clear()
    send(page)
    assert hub.history(KEY) == before
    assert not {"create", "put", "commit"} & set(hub.steps), "the library asks what differs, and then writes nothing"


def test_from_embedded_to_the_hub_and_back(hub: WritableHub, page: Repository, published: str) -> None:
    """The variable changes with the files, so that a Space always serves the model that its README names."""
    send(page)
    send(page, MODEL)
    assert hub.variables[KEY] == {VARIABLE: f"{MODEL}@{published}"}
    assert not any(name.startswith("pneumonia/models/children/") for name in hub.files(KEY))
    send(page)
    assert hub.variables[KEY] == {}
    assert f"pneumonia/models/children/{bundle.GRAPH}" in hub.files(KEY)


def test_files_of_an_older_version_are_removed(hub: WritableHub, page: Repository) -> None:
    send(page)
    hub.push(KEY, {**hub.files(KEY), "pneumonia/old.py": b"", "docs/old.md": b""})
    upload_plan = deploy.plan(page, deploy.collect_content(page))
    assert upload_plan.obsolete == ("docs/old.md", "pneumonia/old.py")
    deploy.execute(upload_plan)
    assert hub.operations[-1] == ["deletedFile docs/old.md", "deletedFile pneumonia/old.py"]
    assert "pneumonia/old.py" not in hub.files(KEY) and ".gitattributes" in hub.files(KEY)


def test_another_app_is_not_overwritten(hub: WritableHub, page: Repository) -> None:
    hub.push(KEY, {"app.py": b"import streamlit", "README.md": b"mine"})
    with pytest.raises(UsageError, match="holds another app"):
        send(page)


def test_a_manually_created_space_is_used(hub: WritableHub, page: Repository) -> None:
    """Alternative to a paid plan: an owner with a plan creates the Space, others with write access deploy to it."""
    hub.paid_plan = False
    hub.push(KEY, {".gitattributes": b"", "README.md": b"the Hub's own"})
    send(page)
    assert "app.py" in hub.files(KEY)


@pytest.mark.parametrize("exists", [False, True], ids=["new", "exists"])
def test_a_dry_run_lists_files_and_sizes_and_writes_nothing(
    hub: WritableHub, page: Repository, published: str, command: Command, exists: bool
) -> None:
    if exists:
        send(page)
    hub.requests.clear()
    code, out, _ = command("deploy", SPACE, "--model", f"{MODEL}@v1", "--dry-run")
    assert code == 0
    assert all(re.match("GET |HEAD ", request) for request in hub.requests)
    files = deploy.collect_content(page, MODEL).files
    listed = dict(re.findall(r"^ *[\d,]+  (\S+)()$", out, re.MULTILINE))
    assert set(listed) == set(files)
    app = (ROOT / "app.py").stat().st_size
    assert f"{app:>12,}  app.py\n" in out
    assert f"\n{VARIABLE}={MODEL}@{published}\n" in out
    assert out.splitlines()[-1].startswith(f"would {'change' if exists else 'create'} {hub.url}/spaces/{SPACE}: ")


def test_a_dry_run_without_a_hub_still_lists(hub: WritableHub, command: Command) -> None:
    hub.stop()
    code, out, err = command("deploy", SPACE, "--dry-run")
    assert code == 2 and err.startswith("hub_unreachable: ")
    assert "app.py" in out


def test_the_command_prints_the_address_alone(hub: WritableHub, command: Command) -> None:
    code, out, err = command("deploy", SPACE)
    assert (code, out) == (0, f"{hub.url}/spaces/{SPACE}\n")
    assert "some minutes" in err
