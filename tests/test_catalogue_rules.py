"""The rules for translated sentences find what is missing, badly formatted or too long."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Message

from .catalogue_rules import problems


def kinds(english: str | tuple[str, str], text: str | tuple[str, ...], code: str = "fr") -> list[str]:
    return [problem.partition(":")[0] for problem in problems(Message(english, text), code)]


@pytest.mark.parametrize(
    ("english", "text"),
    [
        ("The film has {count:,} frames.", "Le cliché a {count:,} images."),
        ("DICOM", "DICOM"),
        ("{percent:.1f} %", "{percent:.1f} %"),
        ("**Map.**", "**Carte.**"),
        ("Is this border lost?", "Ce bord est-il effacé ?"),
        ("The <b>film</b> was read.", "Le <b>cliché</b> a été lu."),
        ("The film was read.", "已读取胶片。"),
        (("{count} film", "{count} films"), ("un cliché", "{count} clichés")),
        (("{count} film", "{count} films"), ("{count} 张胶片",)),
    ],
)
def test_a_good_translation_has_no_problem(english: str | tuple[str, str], text: str | tuple[str, ...]) -> None:
    assert kinds(english, text) == []


@pytest.mark.parametrize(
    ("english", "text", "kind"),
    [
        ("The film was read.", "", "not translated"),
        ("The film was read.", "The film was read.", "same as the English text"),
        ("It has {count} frames.", "Il a {nombre} images.", "other placeholders"),
        ("It has {count:,} frames.", "Il a {count} images.", "other placeholders"),
        ("It has {count} frames.", "Il a des images.", "other placeholders"),
        ("%(name)s was read.", "% (name)s est lu.", "other placeholders"),
        ("The <b>film</b> was read.", "Le <b>cliché<b> a été lu.", "other tags"),
        ("**Map.** See below.", "*Carte.** Voir plus bas.", "other bold marks"),
        ("Run `pneumonia batch`.", "Lancer pneumonia batch.", "other code"),
        ("The film was read.", "Le cliché a été lu", "other punctuation at the end"),
        ("Film", "Cliché.", "other punctuation at the end"),
        ("Film", "Cliché ", "other spaces at start or end"),
        ("The film was read.", "Le cliché  a été lu.", "two spaces"),
        ("Film", "Cliche\N{COMBINING ACUTE ACCENT}", "not in Unicode form NFC"),
        ("Stop", "Arrêter l'analyse de tous les films", "overlong"),
        ("Stop", "停止分析所有胶片并返回主页面", "overlong"),
    ],
)
def test_a_bad_translation_is_found(english: str, text: str, kind: str) -> None:
    assert kind in kinds(english, text)
