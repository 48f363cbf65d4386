"""Which room may import which: entries, then web, learning, archive, evaluation, core; and what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pneumonia

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pneumonia"
ENTRIES = {"app.py", "train.py", "pneumonia/cli.py", "pneumonia/__main__.py"}
ROOMS = ("archive", "evaluation", "learning", "web")
TENSORFLOW = {"tensorflow", "keras"}
RAY = {"ray", "pyarrow", "fsspec"}
"""What requirements-archive.txt brings, and one room alone needs."""
FORBIDDEN = {
    "core": {"gradio", *TENSORFLOW, *RAY, *(f"pneumonia.{room}" for room in ROOMS)},
    "archive": {"gradio", *TENSORFLOW, "pneumonia.evaluation", "pneumonia.learning", "pneumonia.web"},
    "evaluation": {"gradio", *TENSORFLOW, *RAY, "pneumonia.archive", "pneumonia.learning", "pneumonia.web"},
    "web": {*TENSORFLOW, *RAY, "pneumonia.archive", "pneumonia.learning"},
    "learning": {"gradio", *RAY, "pneumonia.archive", "pneumonia.web"},
}

FILES = sorted([*PACKAGE.rglob("*.py"), ROOT / "app.py", ROOT / "train.py"])
INSIDE = [path for path in FILES if path.relative_to(ROOT).as_posix() not in ENTRIES]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    folder = path.relative_to(PACKAGE).parts[0]
    return folder if folder in ROOMS else "core"


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, by its full name."""
    package = ("", *path.relative_to(ROOT).with_suffix("").parts)[1:]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            # `from . import evaluation` imports a module by what looks like a name.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_within(module: str, forbidden: str) -> bool:
    return module == forbidden or module.startswith(f"{forbidden}.")


@pytest.mark.parametrize("path", INSIDE, ids=name_of)
def test_a_room_imports_no_room_above_it(path: Path) -> None:
    broken = [module for module in imports(path) for room in FORBIDDEN[room_of(path)] if is_within(module, room)]
    assert broken == []


@pytest.mark.parametrize("path", INSIDE, ids=name_of)
def test_nothing_inside_imports_an_entry(path: Path) -> None:
    entries = {"app", "train", "pneumonia.cli", "pneumonia.__main__"}
    assert [module for module in imports(path) for entry in entries if is_within(module, entry)] == []


def test_the_rules_see_relative_imports() -> None:
    assert {"pneumonia.imaging.INPUT_SIDE", "pneumonia.imaging"} <= set(imports(PACKAGE / "graph.py"))
    assert "pneumonia.evaluation.metrics" in set(imports(PACKAGE / "evaluation" / "assess.py"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    tree = ast.walk(ast.parse(path.read_text()))
    lines = [
        ast.unparse(node)
        for node in tree
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"}
    ]
    # TensorFlow reads its log level when it is imported, and from nowhere else.
    allowed = {"pneumonia/settings.py": {"os.environ"}, "train.py": {"os.environ"}}
    assert set(lines) <= allowed.get(name_of(path), set())


def test_the_training_entry_sets_one_variable_and_no_more() -> None:
    uses = [line for line in (ROOT / "train.py").read_text().splitlines() if "environ" in line]
    assert uses == ['os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")']


def test_the_public_surface_is_these_names() -> None:
    assert pneumonia.__all__ == ["Failure", "PneumoniaError", "Prediction", "Predictor", "load_predictor"]
    assert all(hasattr(pneumonia, name) for name in pneumonia.__all__)


def python(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


HEAVY = ("gradio", "tensorflow", "keras", "sklearn", "matplotlib", "huggingface_hub", "ai_edge_litert", "pydicom")
LIGHT = {
    "pneumonia": {*HEAVY, *RAY},
    "pneumonia.cli": {*HEAVY, *RAY},
    "pneumonia.archive.screening": {"ray", "gradio", *TENSORFLOW},
    "pneumonia.evaluation.metrics": {"gradio", *TENSORFLOW},
    "pneumonia.evaluation.official": {"gradio", *TENSORFLOW},
    "pneumonia.web.page": {*TENSORFLOW, "sklearn", "matplotlib.pyplot", "ray"},
    "app": {*TENSORFLOW, "ray"},
    "train": {"gradio", *TENSORFLOW},
}


@pytest.mark.parametrize("module", LIGHT)
def test_an_import_does_not_bring_the_heavy_ones(module: str) -> None:
    loaded = python(f"import sys, {module}; print(*sys.modules)").split()
    assert LIGHT[module] & set(loaded) == set()


WATCHED = """
import sys
seen = []
def watch(event, arguments):
    if event.startswith("socket.") or (event == "open" and "model" in str(arguments[0]).split("pneumonia")[-1]):
        seen.append((event, arguments))
sys.addaudithook(watch)
import pneumonia, pneumonia.cli, pneumonia.predictor, pneumonia.sources, pneumonia.hub
print(seen)
"""


def test_an_import_loads_no_model_and_opens_no_socket() -> None:
    assert python(WATCHED).strip() == "[]"


def test_the_watch_sees_a_model_that_is_loaded() -> None:
    assert "config.json" in python(WATCHED.replace("print", "pneumonia.load_predictor()\nprint"))
