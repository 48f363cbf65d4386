"""Property tests do the same in every run: no deadline, which a busy machine exceeds, and the same examples."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent


def calls(node: ast.AST, name: str) -> Iterator[ast.Call]:
    """The calls of a function by its plain name."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == name:
            yield each


def named_settings(tree: ast.Module) -> set[str]:
    """Names of constants that are settings."""
    assignments = [node for node in tree.body if isinstance(node, ast.Assign) and list(calls(node.value, "settings"))]
    return {target.id for node in assignments for target in node.targets if isinstance(target, ast.Name)}


def is_property(function: ast.FunctionDef) -> bool:
    return any(list(calls(each, "given")) for each in function.decorator_list)


def has_settings(function: ast.FunctionDef, names: set[str]) -> bool:
    """Whether a decorator is settings, or one of the constants `names`."""
    return any(
        list(calls(each, "settings")) or (isinstance(each, ast.Name) and each.id in names)
        for each in function.decorator_list
    )


def problems(source: str) -> Iterator[int]:
    """Lines of properties without settings, and of settings that leave the deadline or the seed to hypothesis."""
    tree = ast.parse(source)
    names = named_settings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and is_property(node) and not has_settings(node, names):
            yield node.lineno
    for call in calls(tree, "settings"):
        keywords = {keyword.arg for keyword in call.keywords}
        if not call.args and not {"deadline", "derandomize"} <= keywords:
            yield call.lineno


def test_every_property_has_its_settings() -> None:
    lines = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in sorted(TESTS.rglob("*.py"))
        if "from hypothesis import" in (source := path.read_text(encoding="utf-8"))
        for line in problems(source)
    ]
    assert lines == []


def test_what_is_left_to_hypothesis_is_detected() -> None:
    header = "from hypothesis import given, settings\n"
    assert list(problems(f"{header}@given(1)\ndef test_it(): ...\n")) == [3]
    assert list(problems(f"{header}@settings(max_examples=3)\n@given(1)\ndef test_it(): ...\n")) == [2]
    complete = "settings(deadline=None, derandomize=True)"
    assert list(problems(f"{header}@{complete}\n@given(1)\ndef test_it(): ...\n")) == []
    assert list(problems(f"{header}SAME = {complete}\n@SAME\n@given(1)\ndef test_it(): ...\n")) == []
