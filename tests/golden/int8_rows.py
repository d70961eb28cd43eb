"""Writes int8_rows.safetensors and int8_rows.json beside this file: a matrix as 8-bit integers by row, a vector in half precision.

    pip install safetensors==0.8.0 numpy==2.4.6
    python -P tests/golden/int8_rows.py    # -P: the files beside this one are no modules of its own

The scale of a row is its largest absolute number / 127 in single precision, and each number becomes the nearest multiple of it
(one row is zeros, one has scale 1). `matrix` is the matrix before, `integers` and `scales` what is stored; `unpacked` is the bits
of integers * scales in single precision. A second matrix has its scales in half precision; only its `unpacked` is kept.
"""

import importlib.metadata
import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent


def bits(values):
    return values.astype(np.float32).view(np.int32).ravel().tolist()


rng = np.random.default_rng(8)
matrix = (rng.standard_normal((5, 7)) * np.array([[1], [1e-6], [300], [0], [1]])).astype(np.float32)
matrix[4] = [127, -127, 1, 0.25, -3.75, 0, 99]
scales = (np.abs(matrix).max(axis=1) / np.float32(127)).astype(np.float32)
steps = np.where(scales == 0, 1, scales).astype(np.float64)[:, None]
integers = np.rint(matrix.astype(np.float64) / steps).astype(np.int8)
half = np.array([0.5, 0.0999755859375, 3.0], np.float16)
other = rng.integers(-127, 128, (3, 4)).astype(np.int8)
bias = np.array([1.5, -2.25], np.float16)
save_file(
    {"a.weight": integers, "a.weight.row_scale": scales, "b.weight": other, "b.weight.row_scale": half, "a.bias": bias},
    HERE / "int8_rows.safetensors",
    {"format": "np"},
)
expected = {
    "versions": {name: importlib.metadata.version(name) for name in ["numpy", "safetensors"]},
    "matrix": bits(matrix),
    "integers": integers.ravel().tolist(),
    "scales": bits(scales),
    "unpacked": {
        "a.weight": bits(integers.astype(np.float32) * scales[:, None]),
        "b.weight": bits(other.astype(np.float32) * half.astype(np.float32)[:, None]),
        "a.bias": bits(bias),
    },
}
(HERE / "int8_rows.json").write_text(json.dumps(expected) + "\n")
