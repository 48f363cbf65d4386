"""Import rules: dependencies between packages, third-party libraries per package, and side effects of imports."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pneumonia"

BASE = {"command_line", "errors", "languages", "messages", "settings", "operating_system", "files", "service_log"}
IMAGING = BASE | {"imaging"}
INFERENCE = IMAGING | {"inference"}
ALLOWED = {
    "languages": set(),
    "messages": {"languages"},
    "errors": {"messages"},
    "settings": {"errors", "languages", "messages"},
    "operating_system": {"errors", "messages"},
    "files": {"errors", "messages", "operating_system", "files"},
    "command_line": {"errors", "messages", "operating_system"},
    "service_log": set(),
    "imaging": IMAGING,
    "inference": INFERENCE,
    "batch": INFERENCE | {"batch"},
    "reporting": INFERENCE | {"reporting"},
    "evaluation": INFERENCE | {"evaluation"},
    "validation": INFERENCE | {"batch", "evaluation", "reporting", "validation"},
    "monitoring": INFERENCE | {"evaluation", "reporting", "validation", "monitoring"},
    "publishing": INFERENCE | {"publishing"},
    "archive": INFERENCE | {"batch", "archive"},
    "learning": INFERENCE | {"evaluation", "learning"},
    "pacs": INFERENCE | {"reporting", "monitoring", "pacs"},
    "web": INFERENCE | {"batch", "reporting", "evaluation", "validation", "monitoring", "web"},
    "cli": INFERENCE
    | {"batch", "reporting", "evaluation", "validation", "monitoring", "publishing", "archive", "pacs", "web", "cli"},
}
"""Package -> the packages and modules of `pneumonia` that it may import; `pneumonia` itself re-exports `inference`."""

LIBRARIES = {
    "gradio": {"web"},
    "tensorflow": {"learning"},
    "keras": {"learning"},
    "ray": {"archive"},
    "pyarrow": {"archive"},
    "fsspec": {"archive"},
    "sklearn": {"evaluation", "learning"},
    "scipy": {"evaluation", "learning"},
    "matplotlib": {"evaluation", "learning"},
    "cv2": {"learning"},
    "pydicom": {"imaging", "reporting", "pacs"},
    "highdicom": {"reporting"},
    "pynetdicom": {"pacs"},
    "dicomweb_client": {"pacs"},
    "prometheus_client": {"pacs"},
    "uharfbuzz": {"reporting"},
    "reportlab": {"reporting", "validation"},
    "jinja2": {"reporting", "validation", "web"},
    "markupsafe": {"validation", "web"},
}
"""Third-party library -> the packages that may import it."""

FILES = sorted([*PACKAGE.rglob("*.py"), ROOT / "app.py", ROOT / "train.py"])
MODULES = [path for path in FILES if path.parent not in {ROOT, PACKAGE} or path.stem in BASE]


def relative_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package_of(path: Path) -> str:
    """The top-level package of a file, or its own name for a module of `pneumonia` itself."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def known_modules() -> frozenset[str]:
    return frozenset(dotted(path) for path in FILES)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Full names of the modules that a file imports; with `top_level`, only those that importing the file imports."""
    package = path.relative_to(ROOT).parts[:-1]
    tree = tree_of(path)
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            # `from . import evaluation` imports a module, `from .evaluation import figure` a name of one.
            names = [f"{module}.{alias.name}" for alias in node.names]
            submodules = [name for name in names if name in known_modules()]
            yield from submodules
            if len(submodules) < len(names):
                yield module


def test_each_package_imports_only_what_lies_below_it() -> None:
    violations = [
        f"{relative_name(path)}: {module}"
        for path in MODULES
        for module in imports(path)
        if module.split(".")[0] == "pneumonia"
        and (module.split(".") + ["__init__"])[1] not in ALLOWED[package_of(path)] | {"__init__"}
    ]
    assert violations == []


def test_a_library_is_imported_by_its_packages_only() -> None:
    violations = [
        f"{relative_name(path)}: {module}"
        for path in MODULES
        for module in imports(path)
        if package_of(path) not in LIBRARIES.get(module.split(".")[0], {package_of(path)})
    ]
    assert violations == []


def test_no_test_module_imports_from_another() -> None:
    """What several test modules need is in a module of its own, beside them or in `tests/support`."""
    pattern = re.compile(r"^ *from (?:\.+|tests\.[\w.]*)test_\w+ import", re.MULTILINE)
    modules = (ROOT / "tests").rglob("*.py")
    assert [relative_name(path) for path in modules if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_the_server_does_not_import_the_page() -> None:
    """It may render templates, for Gradio's HTML document."""
    allowed = ("pneumonia.web.server", "pneumonia.web.rendering")
    violations = [
        f"{relative_name(path)}: {module}"
        for path in sorted((PACKAGE / "web" / "server").glob("*.py"))
        for module in imports(path)
        if module.startswith("pneumonia.web.") and not module.startswith(allowed)
    ]
    assert violations == []


def test_the_allowed_imports_have_no_cycle() -> None:
    order = list(ALLOWED)
    assert all(order.index(below) <= order.index(package) for package in ALLOWED for below in ALLOWED[package])


def test_no_module_imports_itself_through_others() -> None:
    graph = {dotted(path): set(imports(path, top_level=True)) & known_modules() for path in FILES}
    visited: set[str] = set()

    def visit(module: str, ancestors: tuple[str, ...]) -> None:
        assert module not in ancestors, " -> ".join([*ancestors[ancestors.index(module) :], module])
        if module not in visited:
            for other in graph[module]:
                visit(other, (*ancestors, module))
            visited.add(module)

    for module in graph:
        visit(module, ())


def test_every_package_has_a_rule() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert packages | BASE == set(ALLOWED)


def test_relative_imports_are_resolved() -> None:
    assert "pneumonia.imaging" in set(imports(PACKAGE / "inference" / "graph.py"))
    assert "pneumonia.evaluation.metrics" in set(imports(PACKAGE / "evaluation" / "assess.py"))


ENVIRONMENT_READERS = {
    "pneumonia/settings.py",
    # Gradio and Ray read their own variables and have no other interface for these options.
    "pneumonia/archive/ray_environment.py",
    "pneumonia/web/server/gradio_environment.py",
    # TensorFlow reads its log level from the environment only, when it is imported.
    "train.py",
}


def test_only_the_settings_read_the_environment() -> None:
    uses = {
        (relative_name(path), ast.unparse(node))
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"}
    }
    assert uses == {(name, "os.environ") for name in ENVIRONMENT_READERS}


def test_train_py_sets_one_environment_variable_only() -> None:
    uses = [line for line in (ROOT / "train.py").read_text().splitlines() if "environ" in line]
    assert uses == ['os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")']


def run_python(code: str, *arguments: str) -> str:
    """The output of `code` in a new interpreter."""
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


HOSPITAL = {"highdicom", "pynetdicom", "dicomweb_client", "prometheus_client"}
HEAVY = {
    *("gradio", "tensorflow", "keras", "sklearn", "matplotlib", "huggingface_hub", "ai_edge_litert", "pydicom"),
    *HOSPITAL,
}
TENSORFLOW = {"tensorflow", "keras"}
RAY = {"ray", "pyarrow", "fsspec"}
NOT_OF_SERVING = {*TENSORFLOW, *HOSPITAL, "sklearn", "matplotlib.pyplot", "ray", "reportlab"}
FORBIDDEN_AFTER_IMPORT = {
    "serving": {
        "pneumonia": HEAVY | RAY,
        "pneumonia.cli": HEAVY | RAY,
        "pneumonia.reporting.result_files": HEAVY | RAY,
        "pneumonia.web.page": NOT_OF_SERVING,
        "app": NOT_OF_SERVING,
        "pneumonia.reporting.pdf_report": NOT_OF_SERVING,
    },
    "training": {
        "train": {"gradio", "ray", *TENSORFLOW},
        "pneumonia.archive.run": {"gradio", "ray", *TENSORFLOW},
        "pneumonia.evaluation.official": {"gradio", "ray", *TENSORFLOW},
    },
}
"""Modules in the order of their import in one process -> the libraries that are not loaded after it."""

IMPORT_EACH = """
import importlib, json, sys
loaded = {}
for module in sys.argv[1:]:
    importlib.import_module(module)
    loaded[module] = list(sys.modules)
print(json.dumps(loaded))
"""


@pytest.mark.parametrize("purpose", ["serving", pytest.param("training", marks=pytest.mark.slow)])
def test_an_import_does_not_load_heavy_libraries(purpose: str) -> None:
    forbidden = FORBIDDEN_AFTER_IMPORT[purpose]
    loaded = json.loads(run_python(IMPORT_EACH, *forbidden))
    assert {module: forbidden[module] & set(loaded[module]) for module in forbidden} == dict.fromkeys(forbidden, set())


AUDITED_IMPORT = """
import sys
events = []
def watch(event, arguments):
    if event.startswith("socket.") or (event == "open" and "models/" in str(arguments[0]).split("pneumonia")[-1]):
        events.append((event, arguments))
sys.addaudithook(watch)
import pneumonia, pneumonia.cli
import pneumonia.inference.predictor, pneumonia.inference.sources, pneumonia.inference.hub_download
print(events)
"""


def test_an_import_loads_no_model_and_opens_no_socket() -> None:
    assert run_python(AUDITED_IMPORT).strip() == "[]"


def test_the_audit_hook_detects_a_loaded_model() -> None:
    assert "config.json" in run_python(AUDITED_IMPORT.replace("print", "pneumonia.load_predictor()\nprint"))
