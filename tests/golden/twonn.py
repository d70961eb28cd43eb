"""Intrinsic dimensions by scikit-dimension's TwoNN, for tests/methods/gelora_test.ts.

Versions: scikit-dimension 0.5.0, numpy. The points lie near a curved surface and have duplicates to be dropped.

    python tests/golden/twonn.py > tests/golden/twonn.json
"""
import json
import numpy as np
import skdim

rng = np.random.default_rng(7)
flat = rng.normal(size=(150, 3))
points = np.round(np.stack([
    flat[:, 0], flat[:, 1], flat[:, 2],
    np.sin(flat[:, 0]), flat[:, 1] * flat[:, 2], np.cos(flat[:, 1]),
], axis=1), 4)


def fitted(discard, method):
    return skdim.id.TwoNN(discard_fraction=discard, method=method).fit(points).dimension_


n = len(points)
print(json.dumps({
    "points": points.tolist(),
    "regression": {str(d): fitted(d, "linear") for d in (0.05, 0.1, 0.3)},
    # scikit-dimension's estimate is unbiased, (N - 1) / sum; the likelihood's maximum is N / sum.
    "likelihood": fitted(0.0, "mle") * n / (n - 1),
}))
