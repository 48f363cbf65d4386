"""A table of text: Markdown in the model card, HTML on the page and in reports (`reporting/templates/table.html`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Text cells below column headings. The first cell of each row is the heading of the row."""

    caption: str
    """Title and accessible name of the HTML table. In Markdown the section heading takes its place."""
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def to_markdown(self) -> str:
        """A GitHub-flavoured Markdown table without the caption."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
