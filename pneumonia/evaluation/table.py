"""A table that is rendered as Markdown for the model card and as HTML for the web page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


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

    def to_html(self, *, is_compact: bool = False) -> str:
        """An HTML table with all text escaped. It scrolls horizontally if it is wider than its container.

        `is_compact` makes it only as wide as its contents.
        """
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.columns)
        body = "".join(map(_html_row, self.rows))
        css_class = "figures tight" if is_compact else "figures"
        caption = escape(self.caption)
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table class="{css_class}">'
            f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )


def _html_row(cells: Sequence[str]) -> str:
    data = "".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{escape(cells[0])}</th>{data}</tr>'
