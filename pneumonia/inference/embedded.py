"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "112d993be045c554da7b049ae6b24a996e858862fb75e5a402d4514028ab0aee",
    "adults": "cc410d2fcb6436f4b0942907c641e6fe5518cd9aa863f2c53a00cc52f0dc60e6",
}
