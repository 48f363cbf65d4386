"""The files of a Space: exactly those that serving needs, determined by following the imports of `app.py`.

Tests, training, the command line and most of the evaluation are left out; only the modules that format its figures are
included. The only documents are licences that must accompany their files. The README is generated: its front matter is
that of the repository, with the model pinned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
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

DATA_SUFFIXES = frozenset({".css", ".html", ".js", ".json", ".ttf"})
"""Suffixes of the data files that modules read from their own folder; a font is accompanied by its licence."""


@dataclass(frozen=True)
class HubModel:
    """A model on the Hub, pinned to a commit, that a Space serves."""

    repository: str
    commit: str
    files: tuple[str, ...]
    """The files that serving loads; the Space's builder downloads them, so that no start waits for a download."""
    private: bool = False
    """True for a private repository. The page downloads its model when it starts: the builder may have no token."""

    @classmethod
    def from_bundle(cls, model: Bundle, *, private: bool = False) -> HubModel:
        """The model of a bundle that has been downloaded and verified."""
        served_files = [name for name in model.config["files"] if name not in bundle.TRAINING_ONLY_FILES]
        return cls(model.identity.name, model.identity.revision, (bundle.CONFIG, *served_files), private)

    @property
    def pinned(self) -> str:
        """Value of `PNEUMONIA_MODEL`: `OWNER/NAME@COMMIT`."""
        return f"{self.repository}@{self.commit}"

    @property
    def preload(self) -> str:
        """Entry of `preload_from_hub` in the README: repository, files and commit."""
        return f"{self.repository} {','.join(self.files)} {self.commit}"


def files(
    space: str, embedded: Iterable[Bundle], hub_model: HubModel | None = None, root: Path = ROOT
) -> dict[str, Content]:
    """Collect the files of the Space `space` (OWNER/NAME) by path. With `hub_model`, the embedded models are left out.

    Raises `UsageError` if `root` is not a complete checkout of this repository.
    """
    missing = [name for name in (*COPIED_FILES, README) if not (root / name).is_file()]
    if missing:
        raise UsageError(
            "Deploying needs a complete checkout of this repository; an installed package is not enough. "
            f"Missing: {', '.join(missing)}. Received: {root}."
        )
    content: dict[str, Content] = {name: root / name for name in COPIED_FILES}
    embedded = list(embedded)
    populations = [model.population.name for model in embedded]
    content[README] = readme((root / README).read_text(encoding="utf-8"), space, populations, hub_model).encode()
    module_paths = modules(root)
    catalogues = sorted((root / "pneumonia" / "locale").rglob("*.mo"))
    for path in (*module_paths, *_data_files(module_paths), *catalogues):
        content[path.relative_to(root).as_posix()] = path
    if hub_model is None:
        for model in embedded:
            for name in (bundle.CONFIG, *model.config["files"]):
                content[f"pneumonia/models/{model.population.name}/{name}"] = model.folder / name
    return dict(sorted(content.items()))


def modules(root: Path = ROOT) -> list[Path]:
    """Paths of the modules of `pneumonia` that the page imports, at start or later."""
    finder = ModuleFinder(path=[str(root)])
    finder.run_script(str(root / ENTRY_POINT))
    loaded: dict[str, Any] = finder.modules
    return sorted(Path(module.__file__) for name, module in loaded.items() if name.split(".")[0] == "pneumonia")


def _data_files(module_paths: Sequence[Path]) -> Iterator[Path]:
    for folder in sorted({path.parent for path in module_paths}):
        if folder.name != "pneumonia":
            data_files = sorted(path for path in folder.rglob("*") if path.suffix in DATA_SUFFIXES)
            yield from data_files
            yield from sorted({licence for path in data_files for licence in path.parent.glob("LICENSE*")})
            yield from sorted((folder / "icons").glob("*"))


def readme(text: str, space: str, populations: Sequence[str], hub_model: HubModel | None) -> str:
    """Generate the Space's README from the repository's: front matter, introduction, model, privacy, API.

    `populations` are those of the embedded models. With `hub_model`, their tables and cards are left out.
    """
    from huggingface_hub import RepoCard

    card: Any = RepoCard(text)
    if hub_model is not None:
        card.data.models = [hub_model.repository]
    if hub_model is not None and not hub_model.private:
        card.data.preload_from_hub = [hub_model.preload]
    front_matter = card.data.to_yaml(line_break="\n")
    introduction, body = _introduction(card.text, hub_model), _body(space, populations, hub_model)
    return f"---\n{front_matter}\n---\n\n{introduction}\n\n{body}"


def _introduction(text: str, hub_model: HubModel | None) -> str:
    """The README up to its first table, without images and links to docs, because these are not part of the Space.

    The section *Figures* follows, but not with `hub_model`: it states patients, licences and figures of the embedded
    models, which such a Space does not serve.
    """
    parts = [text.split("\n|")[0]]
    figures = re.search(r"^## Figures$.*?(?=^## )", text, re.DOTALL | re.MULTILINE)
    if hub_model is None and figures is not None:
        parts.append(re.sub(r"\[([^]]*)\]\(docs/[^)]*\)", r"\1", figures.group()))
    paragraphs = [each.strip() for each in "\n\n".join(parts).split("\n\n")]
    return "\n\n".join(each for each in paragraphs if each and not re.match(r"!\[|<img", each))


def _body(space: str, populations: Sequence[str], hub_model: HubModel | None) -> str:
    cards = ", ".join(f"[{name}](pneumonia/models/{name}/README.md)" for name in populations)
    model = f"The models are part of this repository. Cards: {cards}."
    if hub_model is not None:
        url = f"https://huggingface.co/{hub_model.repository}"
        commit = f"[{hub_model.commit[:12]}]({url}/tree/{hub_model.commit})"
        model = f"The model is [{hub_model.repository}]({url}), commit {commit}; see its card."
    minutes = int(settings.RETENTION_S.default) // 60
    return f"""\
## Model

{model} Accuracy, limits and licence are described in the card and in the tab *Evidence* of the page.

## Privacy

This page runs on servers of Hugging Face: a film that you upload here leaves your hospital. Uploads are deleted after
{minutes} minutes, and nothing is recorded. Do not upload films with a patient's name: run the page on your own machine.

## Use from a program

```python
from gradio_client import Client, handle_file

client = Client("{space}")
client.predict(handle_file("film.png"), operating_point="balanced", api_name="/predict")
```

To require a login, set the secret `PNEUMONIA_AUTH` (`user:password` pairs) in the Space's settings.
"""
