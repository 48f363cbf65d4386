"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "0e34567ae6340e3846a308723b7fa30e76eb1efac815c459398ef56ca27a73e4",
    "adults": "523041de17bda307d0351b4849a1d4c77fd7e20687dcf8ef43fb88d682cbc876",
}
