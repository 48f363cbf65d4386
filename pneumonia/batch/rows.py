"""A result as a table row: the columns, and the cells, escaped so that a spreadsheet evaluates none as a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..inference.decision import CLASSES, Failure, ModelIdentity, Prediction
from ..inference.explain import ZONES

COLUMNS = (
    "file",
    "label",
    "confidence",
    *(f"probability_{name.lower()}" for name in CLASSES),
    "operating_point",
    "prevalence",
    "probability_at_prevalence",
    "predictive_value",
    "reason_code",
    "reason",
    *ZONES,
    "warnings",
    "error_code",
    "error",
    "population",
    "age",
    "age_source",
    "age_stated",
    "model_name",
    "model_revision",
    "model_sha256",
    "model_site",
)

NUMERIC_COLUMNS = frozenset(
    {
        "confidence",
        *(f"probability_{name.lower()}" for name in CLASSES),
        "prevalence",
        "probability_at_prevalence",
        "predictive_value",
        "age",
        "age_stated",
        *ZONES,
    }
)
"""Columns that contain numbers, for table formats with column types."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""First bytes of a table. Without them, Excel reads a CSV in the code page of its system, not as UTF-8."""

_FORMULA_PREFIXES = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n", "'")
"""First characters of a cell that a spreadsheet evaluates as a formula, see
https://owasp.org/www-community/attacks/CSV_Injection; in some languages also the full-width ones. The quote, which
escapes a cell, is escaped too: otherwise two different texts could become equal."""

_IGNORED_STARTS = " \xa0\u200b\u200c\u200d\u2060\ufeff"
"""Spaces, some of them without width, which a spreadsheet may remove before it looks for a formula."""

_SEPARATORS = (";", "\t", "|")
"""Separators of a spreadsheet in other languages, or of its import: they would begin a cell inside a name."""

_BACKSLASH_TO_ESCAPE = re.compile(r"\\(?=\\*(?:ud[89a-f][0-9a-f]{2}|[\ud800-\udfff]))")
_ESCAPED_SURROGATE = re.compile(r"(\\+)ud([89a-f][0-9a-f]{2})")


@dataclass(frozen=True)
class TableOptions:
    """The values that all rows of a table share: model (`Predictor.identity`), operating point, prevalence, and the age
    in years that the caller states for all patients.
    """

    model: ModelIdentity
    operating_point: str
    prevalence: float | None = None
    age: float | None = None

    def cells(self) -> dict[str, str]:
        """The cells that are the same in all rows, by column."""
        prevalence = "" if self.prevalence is None else f"{self.prevalence:g}"
        age = "" if self.age is None else f"{self.age:g}"
        model = {f"model_{name}": escape_formula(text or "") for name, text in self.model.as_dict().items()}
        return {"operating_point": self.operating_point, "prevalence": prevalence, "age_stated": age, **model}


def result_cells(result: Prediction | Failure, options: TableOptions) -> dict[str, str]:
    """The cells of one row by column; cells that do not apply are empty."""
    return record_cells(result.as_dict(), options)


def record_cells(record: Mapping[str, Any], options: TableOptions) -> dict[str, str]:
    """The cells of one row by column, from the JSON object of a prediction or failure (docs/api.md)."""
    if "error" in record:
        row_cells = {"error_code": record["error"]["code"], "error": escape_formula(record["error"]["message"])}
    else:
        row_cells = _prediction_cells(record)
    return dict.fromkeys(COLUMNS, "") | options.cells() | row_cells | {"file": escape_formula(record["file"] or "")}


def escape_formula(text: str) -> str:
    r"""Prefix `text` with a quote if a spreadsheet would evaluate it as a formula.

    Invalid bytes of a file name, which Python holds as surrogates, become text such as `\udcff`. A backslash before
    such text is doubled, so that different texts stay different. `unescape` is the inverse.
    """
    text = _BACKSLASH_TO_ESCAPE.sub(r"\\\\", text).encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.lstrip(_IGNORED_STARTS).startswith(_FORMULA_PREFIXES) else text


def unescape(cell: str) -> str:
    """The text of a cell that `escape_formula` returned."""
    return _ESCAPED_SURROGATE.sub(_unescape_surrogate, cell.removeprefix("'"))


def _unescape_surrogate(match: re.Match[str]) -> str:
    backslashes, digits = match.groups()
    half = "\\" * (len(backslashes) // 2)
    return half + (chr(int(f"d{digits}", 16)) if len(backslashes) % 2 else f"ud{digits}")


def csv_header(*, for_excel: bool) -> bytes:
    """The line of the column names, for Excel after the byte-order mark by which it recognises UTF-8."""
    return (BYTE_ORDER_MARK if for_excel else b"") + csv_line(COLUMNS)


def csv_line(cells: Iterable[str]) -> bytes:
    """One record of a CSV file (RFC 4180, UTF-8), terminated by a line feed.

    Cells with a separator of another language are quoted too.
    """
    return ",".join(map(_quote, cells)).encode() + b"\n"


def _quote(cell: str) -> str:
    is_plain = not any(character in cell for character in (",", '"', "\r", "\n", *_SEPARATORS))
    return cell if is_plain else '"' + cell.replace('"', '""') + '"'


def _prediction_cells(record: Mapping[str, Any]) -> dict[str, str]:
    cells = {"label": record["label"], "confidence": _format_number(record["confidence"])}
    cells |= {
        f"probability_{name.lower()}": _format_number(value) for name, value in (record["probabilities"] or {}).items()
    }
    cells["probability_at_prevalence"] = _format_number(record.get("probability_at_prevalence"))
    cells["predictive_value"] = _format_number((record.get("predictive_value") or {}).get("value"))
    cells |= {zone: _format_number(value) for zone, value in (record["zones"] or {}).items()}
    if record["reason"] is not None:
        cells |= {"reason_code": record["reason"]["code"], "reason": record["reason"]["message"]}
    warnings = escape_formula(" ".join(record["warnings"]))
    age = "" if record["age"] is None else f"{record['age']:g}"
    patient = {"population": record["population"] or "", "age": age, "age_source": record["age_source"] or ""}
    return cells | {"warnings": warnings, **patient}


def _format_number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
