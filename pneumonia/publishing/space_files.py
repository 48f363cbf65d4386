"""What a Space's folder holds: exactly what serving needs, found by following `app.py`'s imports.

No tests, no training, no command line, and of the evaluation only the modules that format its figures; documents only
where a licence asks for them. README is written anew: its front matter is the repository's own, with the model pinned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from .. import settings
from ..errors import UsageError
from ..inference import bundle
from ..inference.bundle import Bundle
from .hub_client import Content

ROOT = Path(__file__).parents[2]
ENTRY_POINT = "app.py"
README = "README.md"
COPIED_FILES = (ENTRY_POINT, "requirements.txt", "LICENSE", "NOTICE")

DATA_SUFFIXES = frozenset({".css", ".js", ".ttf"})
"""Endings of the files that lie beside the modules and are read by them; a licence goes with its fonts."""


@dataclass(frozen=True)
class HubModel:
    """The model on the Hub that a Space serves, by its commit."""

    repository: str
    commit: str
    files: tuple[str, ...]
    """What is loaded of it; the Space's builder fetches these, so that no start waits for a download."""
    private: bool = False
    """Then the builder, which may have no token, is not asked to: the page fetches the model when it starts."""

    @classmethod
    def from_bundle(cls, model: Bundle, *, private: bool = False) -> HubModel:
        """The model that was just fetched and verified."""
        served_files = [name for name in model.config["files"] if name not in bundle.TRAINING_ONLY_FILES]
        return cls(model.identity.name, model.identity.revision, (bundle.CONFIG, *served_files), private)

    @property
    def pinned(self) -> str:
        """The value of `PNEUMONIA_MODEL`."""
        return f"{self.repository}@{self.commit}"

    @property
    def preload(self) -> str:
        """The entry of `preload_from_hub`."""
        return f"{self.repository} {','.join(self.files)} {self.commit}"


def files(space: str, embedded: Bundle, hub_model: HubModel | None = None, root: Path = ROOT) -> dict[str, Content]:
    """Every file of the Space `space` by name. With `hub_model`, the embedded model stays at home.

    Raises `UsageError` where `root` is no checkout of this repository.
    """
    missing = [name for name in (*COPIED_FILES, README) if not (root / name).is_file()]
    if missing:
        raise UsageError(
            f"There is no whole checkout of this repository. Expected: a folder with {', '.join(missing)}. "
            f"Received: {root}."
        )
    content: dict[str, Content] = {name: root / name for name in COPIED_FILES}
    content[README] = readme((root / README).read_text(encoding="utf-8"), space, hub_model).encode()
    imported = modules(root)
    for path in (*imported, *_data_files(imported)):
        content[path.relative_to(root).as_posix()] = path
    if hub_model is None:
        for name in (bundle.CONFIG, *embedded.config["files"]):
            content[f"pneumonia/models/children/{name}"] = embedded.folder / name
    return dict(sorted(content.items()))


def modules(root: Path = ROOT) -> list[Path]:
    """The modules of `pneumonia` that the page imports, at its start or later."""
    finder = ModuleFinder(path=[str(root)])
    finder.run_script(str(root / ENTRY_POINT))
    loaded: dict[str, Any] = finder.modules
    return sorted(Path(module.__file__) for name, module in loaded.items() if name.split(".")[0] == "pneumonia")


def _data_files(modules: Sequence[Path]) -> Iterator[Path]:
    for folder in sorted({path.parent for path in modules}):
        if folder.name != "pneumonia":
            data_files = sorted(path for path in folder.rglob("*") if path.suffix in DATA_SUFFIXES)
            yield from data_files
            yield from sorted({path.parent / "LICENSE" for path in data_files if (path.parent / "LICENSE").is_file()})


def readme(text: str, space: str, hub_model: HubModel | None) -> str:
    """The Space's README from the repository's: front matter, introduction, which model, how to ask it."""
    from huggingface_hub import RepoCard

    card: Any = RepoCard(text)
    if hub_model is not None:
        card.data.models = [hub_model.repository]
    if hub_model is not None and not hub_model.private:
        card.data.preload_from_hub = [hub_model.preload]
    front_matter = card.data.to_yaml(line_break="\n")
    return f"---\n{front_matter}\n---\n\n{_introduction(card.text)}\n\n{_body(space, hub_model)}"


def _introduction(text: str) -> str:
    """README up to its first section, without its pictures, which stay at home."""
    introduction = text.split("\n## ")[0]
    paragraphs = [part.strip() for part in introduction.split("\n\n") if not re.match(r"\s*(!\[|<img)", part)]
    return "\n\n".join(part for part in paragraphs if part)


def _body(space: str, hub_model: HubModel | None) -> str:
    model = "The model lies in this repository, with [its card](pneumonia/models/children/README.md)."
    if hub_model is not None:
        url = f"https://huggingface.co/{hub_model.repository}"
        commit = f"[{hub_model.commit[:12]}]({url}/tree/{hub_model.commit})"
        model = f"The model is [{hub_model.repository}]({url}), commit {commit}, with its card."
    minutes = int(settings.RETENTION_S.default) // 60
    return f"""\
## Which model answers

{model} How good it is, and where it ends: the card, and the tab *The evidence* on the page.

## Before you drop a film

This page runs on Hugging Face's machines: a film that is dropped here leaves your hospital. Uploads are deleted after
{minutes} minutes, nothing is recorded. A film with a patient's name on it does not belong here: run the page at home.

## Ask it from a program

```python
from gradio_client import Client, handle_file

client = Client("{space}")
client.predict(handle_file("film.png"), operating_point="balanced", api_name="/predict")
```

To ask for a login, set the secret `PNEUMONIA_AUTH` (`user:password` pairs) in the Space's settings.
"""
