"""Make the fonts of the report from those of Debian: `python -m tests.reporting.report_fonts FOLDER`.

FOLDER contains the files of the packages fonts-noto-core (SIL OFL 1.1), fonts-nanum (SIL OFL 1.1) and
fonts-droid-fallback (Apache 2.0), unpacked anywhere below it. Latin, Greek, Cyrillic, Armenian and Georgian come from
DejaVu Sans, which is in the repository. Needs fontTools.

Each font is reduced to the characters of its script, without hinting; names that the licences reserve are replaced.
That of Chinese also gets the letters and signs of DejaVu Sans, since a whole report is set in it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from fontTools import merge, subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

from pneumonia.reporting import pdf_fonts
from pneumonia.reporting.pdf_fonts import BASE, FOLDER, HAN, SCRIPT_FONTS

SOURCES = {HAN: "DroidSansFallbackFull.ttf", "Report-Hangul": "NanumGothic.ttf"}
"""Name of a font -> its source, if that is not Noto Sans of the script."""

SHARED = [0x20, 0xA0, 0x200C, 0x200D, 0x25CC, 0x0964, 0x0965]
"""Space, joiners, dotted circle and dandas, which shaping needs."""

CHINESE = ((0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xFF00, 0xFFEF))
"""Without the rare characters of extension A: 3 MB instead of 4 MB."""

UNITS_PER_EM = 1024
"""Of the merged font. Droid Sans Fallback has 256, DejaVu Sans 2048."""

COMMON_HANGUL = "euc_kr"
"""The 2,350 syllables of KS X 1001 instead of 11,172."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    total = 0
    for name, font in SCRIPT_FONTS.items():
        (source, *_) = sorted(folder.rglob(SOURCES.get(name, f"NotoSans{name.partition('-')[2]}-Regular.ttf")))
        made = reduced(source, characters(name))
        if name == HAN:
            made = merged(made, FOLDER / pdf_fonts.FILES[BASE])
        rename(made, name.replace("-", " "))
        made.save(FOLDER / font.file)
        size = (FOLDER / font.file).stat().st_size
        total += size
        print(f"{size:>10,}  {font.file}")
    print(f"{total:>10,}  in total")
    return 0


def characters(name: str) -> list[int]:
    if name == HAN:
        return [code for start, end in CHINESE for code in range(start, end + 1)]
    codes = [code for start, end in SCRIPT_FONTS[name].ranges for code in range(start, end + 1)]
    if name == "Report-Hangul":
        codes = [code for code in codes if chr(code).encode(COMMON_HANGUL, "ignore")]
    return [*SHARED, *codes]


def reduced(source: Path, codes: list[int]) -> TTFont:
    """The font with these characters only, all features of shaping, and no hinting."""
    options = subset.Options(layout_features=["*"], hinting=False, notdef_outline=True, legacy_kern=False)
    options.drop_tables += ["FFTM", "VORG", "vhea", "vmtx", "DSIG", "MATH", "BASE"]
    font = TTFont(source)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    return font


def merged(first: TTFont, second: Path) -> TTFont:
    """One font with the glyphs of both. Layout tables are dropped: neither script needs shaping."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, font in enumerate((TTFont(second), first)):
            scale_upem(font, UNITS_PER_EM)
            for table in ("GSUB", "GPOS", "GDEF", "kern"):
                if table in font:
                    del font[table]
            paths.append(Path(folder) / f"{number}.ttf")
            font.save(paths[-1])
        return merge.Merger().merge(list(map(str, paths)))


def rename(font: TTFont, name: str) -> None:
    """Names without those that the licences reserve; copyright and licence stay."""
    table = font["name"]
    for record in list(table.names):
        if record.nameID in {1, 3, 4, 16}:
            record.string = name
        elif record.nameID == 6:
            record.string = name.replace(" ", "-")
        elif record.nameID not in {0, 2, 13, 14}:
            table.names.remove(record)


if __name__ == "__main__":
    raise SystemExit(main())
