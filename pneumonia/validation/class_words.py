"""Words for the two classes, in folder names and in the label column of a table."""

from __future__ import annotations

import re
import unicodedata

from ..inference.decision import CLASSES

WORDS = {
    CLASSES[0]: (
        "normal",
        "no finding",
        "no findings",
        "no pneumonia",
        "negative",
        "healthy",
        "no",
        "false",
        "0",
        "negatif",
        "negativo",
        "négatif",
        "sano",
        "正常",
        "阴性",
        "bình thường",
        "âm tính",
    ),
    CLASSES[1]: (
        "pneumonia",
        "positive",
        "yes",
        "true",
        "1",
        "bacterial pneumonia",
        "viral pneumonia",
        "positif",
        "positivo",
        "neumonía",
        "neumonia",
        "pneumonie",
        "肺炎",
        "阳性",
        "viêm phổi",
        "dương tính",
        "pnemonia",
        "pneumonia bacterial",
        "pneumonia viral",
        "bacterial",
        "viral",
        "bacteria",
        "virus",
    ),
}
"""Class -> its words: English, Indonesian, Spanish, French, Portuguese, Chinese, Vietnamese, and words of
public data sets, among them a misspelling."""

ALLOWED = "; ".join(f"{name}: {', '.join(words[:9])}" for name, words in WORDS.items())
"""The English words, for messages. docs/validation.md has the whole table."""

MAX_QUOTED = 40
"""Maximum number of characters of a cell in a message."""


_HYPHEN = re.compile(r"_|(?<=\w)-")
"""`_`, and `-` that is not the sign of a number."""


def class_of(text: str) -> int | None:
    """Label of a word: 0 Normal, 1 Pneumonia; None for another text.

    Case, `_` and `-` instead of spaces, and the zero of `1.0` do not matter; `-1` is another text (CheXpert:
    uncertain). Findings separated by `|` (NIH) are Pneumonia if one of them is and none is Normal.
    """
    labels = {_LABELS.get(_normalize(finding)) for finding in text.split("|")}
    return 1 if 1 in labels and 0 not in labels else labels.pop() if len(labels) == 1 else None


def quote(text: str) -> str:
    """The text in quotes for a message, cut to `MAX_QUOTED` characters."""
    return repr(text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}...")


def _normalize(text: str) -> str:
    words = _HYPHEN.sub(" ", unicodedata.normalize("NFC", text).casefold()).split()
    return " ".join(words).removesuffix(".0")


_LABELS = {_normalize(word): label for label, name in enumerate(CLASSES) for word in WORDS[name]}
