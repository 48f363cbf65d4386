"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "6126ffb50f7a54fcd536e61b3c6aba1367f3e5f4af6518fd10761c3be1a26184",
    "adults": "523041de17bda307d0351b4849a1d4c77fd7e20687dcf8ef43fb88d682cbc876",
}
