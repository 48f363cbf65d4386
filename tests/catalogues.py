"""The catalogues of the languages: extract the sentences, compile what is read, and list what is missing or wrong.

    python -m tests.catalogues update [CODE ...]     writes new and changed sentences into the .po files
    python -m tests.catalogues compile [CODE ...]    writes the .mo files
    python -m tests.catalogues check [CODE ...]      prints the problems; exit code 1 if there are any

Without codes: all languages. Needs Babel, which serving does not install.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from pneumonia.languages import ENGLISH, LANGUAGES
from pneumonia.messages import DOMAIN, FOLDER

from .catalogue_rules import problems

PACKAGE = FOLDER.parent
CODES = tuple(code for code in LANGUAGES if code != ENGLISH)
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"message": None, "plural_message": (1, 2), "gettext": None, "ngettext": (1, 2), "_": None}
ENGLISH_ONLY = ("learning", "publishing", "archive")
"""Packages for those who train, publish and process archives; their texts are English."""

UNUSED_FIELDS = tuple(
    f'"{field}'.encode()
    for field in ("POT-Creation", "PO-Revision", "Last-Translator", "Report-Msgid", "Language-Team", "Project-Id")
)
"""Starts of lines of the header that are left out; dates would differ in every update."""

NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)

HEADER = """\
# {name} texts of the chest-film assistant.
# Rules for translators: docs/languages.md. Check: python -m tests.catalogues check {code}
"""


def extract() -> Catalog:
    """The sentences of the package, in the order of the files."""
    catalogue = Catalog(charset="utf-8")
    found = extract_from_dir(PACKAGE, METHODS, OPTIONS, KEYWORDS, directory_filter=_has_sentences)
    for file, _, text, comments, context in sorted(found, key=lambda entry: entry[0]):
        texts = (text,) if isinstance(text, str) else text
        if any(texts):
            catalogue.add(text, None, [(f"pneumonia/{file}", 0)], auto_comments=comments, context=context)
    return catalogue


def _has_sentences(folder: str) -> bool:
    name = Path(folder).name
    return not name.startswith((".", "_")) and name not in ENGLISH_ONLY


def po_file(code: str) -> Path:
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(code: str) -> Catalog:
    """The catalogue of a language; an empty one before the first update."""
    if not po_file(code).exists():
        comment = HEADER.format(name=LANGUAGES[code].name, code=code).rstrip()
        return Catalog(locale=code, header_comment=comment, fuzzy=False, charset="utf-8")
    with po_file(code).open("rb") as file:
        return read_po(file, locale=code)


def update(code: str, template: Catalog) -> None:
    """Add new sentences to a catalogue and remove those that are no longer used; translations are kept."""
    catalogue = read(code)
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.fuzzy = False
    write(code, catalogue)


def write(code: str, catalogue: Catalog) -> None:
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=100, omit_header=False, include_lineno=False, ignore_obsolete=True)
    lines = [line for line in buffer.getvalue().splitlines() if not line.startswith(UNUSED_FIELDS)]
    po_file(code).parent.mkdir(parents=True, exist_ok=True)
    po_file(code).write_bytes(b"\n".join(lines) + b"\n")


def compiled(code: str) -> bytes:
    """The `.mo` file of a catalogue."""
    catalogue, buffer = read(code), io.BytesIO()
    catalogue.creation_date = catalogue.revision_date = NO_DATE  # otherwise Babel writes the present minute
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def check(code: str, template: Catalog) -> Iterator[str]:
    """Problems of a language: sentences that are missing, obsolete or badly formatted, and an outdated `.mo` file."""
    catalogue = read(code)
    expected, present = ({message.id for message in part if message.id} for part in (template, catalogue))
    yield from (f"not in the catalogue, run update: {text!r}" for text in sorted(map(str, expected - present)))
    yield from (f"no longer used, run update: {text!r}" for text in sorted(map(str, present - expected)))
    for message in catalogue:
        if message.id:
            yield from problems(message, code)
    mo_file = po_file(code).with_suffix(".mo")
    if not mo_file.exists() or mo_file.read_bytes() != compiled(code):
        yield f"{mo_file.name} is out of date, run compile"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["update", "compile", "check"])
    parser.add_argument("codes", nargs="*", default=CODES, metavar="CODE")
    options = parser.parse_args(arguments)
    template, count = extract(), 0
    for code in options.codes:
        if options.action == "update":
            update(code, template)
        elif options.action == "compile":
            po_file(code).with_suffix(".mo").write_bytes(compiled(code))
        else:
            for problem in check(code, template):
                print(f"{code}: {problem}")
                count += 1
    if options.action == "check":
        print(f"{len(template)} sentences, {count} problems", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
