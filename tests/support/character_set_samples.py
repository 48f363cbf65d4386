"""Names in each character set of DICOM (PS3.5, 6.1.2.5), declared correctly and wrongly, with their text."""

from __future__ import annotations

DECLARED = {
    "none": ("", b"Doe^Jane", "Doe^Jane"),
    "latin 1": ("ISO_IR 100", "Müller^Åsa".encode("latin-1"), "Müller^Åsa"),
    "latin 2": ("ISO_IR 101", "Wałęsa^Łucja".encode("iso8859_2"), "Wałęsa^Łucja"),
    "turkish": ("ISO_IR 148", "Şahin^Gül".encode("iso8859_9"), "Şahin^Gül"),
    "cyrillic": ("ISO_IR 144", "Люкceмбypг".encode("iso8859_5"), "Люкceмбypг"),
    "greek": ("ISO_IR 126", "Διονυσιος".encode("iso8859_7"), "Διονυσιος"),
    "arabic": ("ISO_IR 127", "قباني^لنزار".encode("iso8859_6"), "قباني^لنزار"),
    "hebrew": ("ISO_IR 138", "שרון^דבורה".encode("iso8859_8"), "שרון^דבורה"),
    "thai": ("ISO_IR 166", "นามสกุล^ชื่อ".encode("tis_620"), "นามสกุล^ชื่อ"),
    "unicode": ("ISO_IR 192", "Wang^XiaoDong=王^小东".encode(), "Wang^XiaoDong=王^小东"),
    "chinese": ("GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东"),
    "chinese, GBK": ("GBK", "Wang=王^小东".encode("gbk"), "Wang=王^小东"),
    # PS3.5, annex H.3, example 1; annex H.3, example 2; annex I.2
    "japanese": (
        "\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    "japanese, katakana": (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
    ),
    "korean": (
        "\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
}


FAULTS = {
    "shift_jis as JIS X 0201": ("ISO_IR 13", "山田^太郎".encode("shift_jis"), "山田^太郎"),
    "UTF-8 as Latin-1": ("ISO_IR 100", "Müller^王".encode(), "Müller^王"),
    "UTF-8, undeclared": ("", "山田^太郎".encode(), "山田^太郎"),
    "Latin-1 as UTF-8": ("ISO_IR 192", "Müller".encode("latin-1"), "Müller"),
    "Latin-1, undeclared": ("", "Müller".encode("latin-1"), "Müller"),
    "Windows-1252 as Latin-1": ("ISO_IR 100", b"O\x92Brien", "O’Brien"),
    "code extension, undeclared": ("", b"\x1b$B;3ED\x1b(B", "山田"),
    "code extension, other declared": ("ISO_IR 100", b"Yamada=\x1b$B;3ED\x1b(B^x", "Yamada=山田^x"),
    "term without spaces": ("ISOIR100", "é".encode("latin-1"), "é"),
    "term in lower case": ("iso-ir 144", "Ж".encode("iso8859_5"), "Ж"),
    "UTF-8 by another name": ("UTF-8", "é王".encode(), "é王"),
    "unknown term": ("KLINGON", "é".encode(), "é"),
    "Unicode with extensions": ("ISO_IR 192\\ISO 2022 IR 87", "é王".encode(), "é王"),
    "Unicode as extension": ("ISO_IR 100\\ISO_IR 192", "é".encode("latin-1"), "é"),
    "control characters": ("ISO_IR 100", b"A\x00\x07B \0", "AB"),
}
