"""The cost tables of the documentation agree with the counts of the fake Hub.

The hub library compares the files with those on the Hub: it validates the card, sends the first bytes of each file and
asks the LFS storage, even if nothing differs. Our own comparison of hashes needed up to four requests fewer.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pneumonia.inference import bundle, sources
from pneumonia.publishing import deploy, publish
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import WritableHub
from .conftest import MODEL

DOCS = Path(__file__).parents[2] / "docs"

SAME_AGAIN_BYTES = "bytes sent, the same again: README, and the first bytes of each file"


def documented(page: str, row: str) -> list[int]:
    """The integers in a row of a table of a documentation page."""
    [line] = [line for line in (DOCS / page).read_text().splitlines() if line.startswith(f"| {row} |")]
    return [int(number) for number in re.findall(r"\d+", line.removeprefix(f"| {row} |"))]


def take_counts(hub: WritableHub) -> list[int]:
    """(requests, large files sent, bytes sent) since the last call."""
    counts = [len(hub.steps), len(hub.uploads), hub.received]
    hub.steps.clear()
    hub.uploads.clear()
    hub.received = 0
    return counts


def test_what_publishing_costs(hub: WritableHub, model: Repository, tmp_path: Path) -> None:
    def publish_folder(folder: Path, tag: str) -> list[int]:
        publish.execute(publish.plan(publish.load(folder), model, tag))
        return take_counts(hub)

    *first, bytes_sent = publish_folder(sources.EMBEDDED_FOLDER, "v1")
    *expected, overhead_percent = documented("publish.md", "first time")
    size = sum(path.stat().st_size for path in sources.EMBEDDED_FOLDER.rglob("*") if path.is_file())
    assert first == expected
    assert bytes_sent / size - 1 == pytest.approx(overhead_percent / 100, abs=0.01)
    assert publish_folder(sources.EMBEDDED_FOLDER, "v1") == documented("publish.md", "the same again")
    config, _ = bundle.read_config(sources.EMBEDDED_FOLDER)
    for name in (bundle.CONFIG, *config["files"]):
        (tmp_path / "next" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "next" / name).write_bytes((sources.EMBEDDED_FOLDER / name).read_bytes())
    bundle.write_config(tmp_path / "next", {**config, "seed": 2})
    *second, bytes_sent = publish_folder(tmp_path / "next", "v2")
    *expected, kilobytes = documented("publish.md", "a version that changes the config only")
    assert second == expected
    card_bytes = (sources.EMBEDDED_FOLDER / bundle.CARD).stat().st_size
    assert bytes_sent - card_bytes == pytest.approx(1000 * kilobytes, abs=1000)


@pytest.mark.slow
def test_what_deploying_costs(hub: WritableHub, model: Repository) -> None:
    publish.execute(publish.plan(publish.load(sources.EMBEDDED_FOLDER), model, "v1"))
    first, second = (
        documented("deploy.md", "requests, the first time"),
        documented("deploy.md", "requests, the same again"),
    )
    for index, source in enumerate([None, MODEL]):
        page = Repository(f"clinic/page{index}", "space", endpoint=hub.url)
        hub.objects.clear()
        for expected in (first, second):
            take_counts(hub)
            deploy.execute(deploy.plan(page, deploy.collect_content(page, source)))
            requests, _, bytes_sent = take_counts(hub)
            assert requests == expected[index]
        kilobytes = documented("deploy.md", SAME_AGAIN_BYTES)[index]
        assert bytes_sent == pytest.approx(1000 * kilobytes, rel=0.1)  # grows with each file of the package
