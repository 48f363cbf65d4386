"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "19d9734d49730f156eba0299022a26b00659afad400ba5e18fb48f7d84975ece"
