"""An answer as a row of a table: which columns there are, and cells that a spreadsheet cannot take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from ..inference.decision import CLASSES, Failure, ModelIdentity, Prediction
from ..inference.explain import ZONES

COLUMNS = (
    "file",
    "label",
    "confidence",
    *(f"probability_{name.lower()}" for name in CLASSES),
    "operating_point",
    "prevalence",
    "reason_code",
    "reason",
    *ZONES,
    "warnings",
    "error_code",
    "error",
    "model_name",
    "model_revision",
    "model_sha256",
)

NUMERIC_COLUMNS = frozenset({"confidence", "prevalence", *(f"probability_{name.lower()}" for name in CLASSES), *ZONES})
"""Columns that hold numbers, for tables that know of types."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""First letters that make a spreadsheet compute a cell (OWASP), and the quote, so that no two texts become one."""


@dataclass(frozen=True)
class TableOptions:
    """What every row of a table has in common: who answers, and at which operating point and prevalence."""

    model: ModelIdentity
    operating_point: str
    prevalence: float | None = None

    def cells(self) -> dict[str, str]:
        share = "" if self.prevalence is None else f"{self.prevalence:g}"
        model = {f"model_{name}": escape_formula(text) for name, text in self.model.as_dict().items()}
        return {"operating_point": self.operating_point, "prevalence": share, **model}


def result_cells(result: Prediction | Failure, asked: TableOptions) -> dict[str, str]:
    """The cells of one film by column; what does not apply is empty."""
    if isinstance(result, Failure):
        own = {"error_code": result.error.code, "error": escape_formula(result.error.message)}
    else:
        own = _answer(result)
    return dict.fromkeys(COLUMNS, "") | asked.cells() | own | {"file": escape_formula(result.file or "")}


def escape_formula(text: str) -> str:
    """A text that no spreadsheet computes: a quote goes before what looks like a formula."""
    # A name that is no valid text must not end the run.
    text = text.encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_line(cells: Iterable[str]) -> bytes:
    """One record of a CSV file (RFC 4180, UTF-8), with its line's end."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    # Asked for the plain end, the writer would leave a lone carriage return in a cell unquoted.
    return buffer.getvalue().removesuffix("\r\n").encode() + b"\n"


def _answer(prediction: Prediction) -> dict[str, str]:
    told = prediction.as_dict()
    own = {"label": prediction.label, "confidence": _number(told["confidence"])}
    own |= {f"probability_{name.lower()}": _number(value) for name, value in (told["probabilities"] or {}).items()}
    own |= {zone: _number(value) for zone, value in (told["zones"] or {}).items()}
    if prediction.reason is not None:
        own |= {"reason_code": prediction.reason.code, "reason": prediction.reason.message}
    return own | {"warnings": escape_formula(" ".join(prediction.warnings))}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
