"""Trust anchor of the embedded bundle: the sha256 of its `config.json`.

`python -m pneumonia.evaluation.release` writes it.
"""

CONFIG_SHA256 = "fe1cae326581fb246b87d4a1e77d49ecfd62706014ddc67d555a13e90ac808d5"
