"""Singular values, ranks, intruder dimensions and overlaps of small updates, by NumPy.

    pip install numpy
    python tests/golden/spectra.py > tests/golden/spectra.json

Matrices are whole numbers over 1024, so that single precision holds them exactly.
"""
import json

import numpy as np

random = np.random.default_rng(17)
unit = 1024


def whole(shape, size=1.0):
    return np.round(random.normal(size=shape) * size * unit).astype(int)


def case(out, inner, rank, scale, size, top=6, threshold=0.5):
    weight = whole((out, inner))
    pairs = [(whole((rank, inner), size), whole((out, rank), size)) for _ in range(2)]
    # The second update shares the first one's first direction of the output.
    pairs[1][1][:, 0] = pairs[0][1][:, 0]
    w = weight / unit
    deltas = [scale * (b / unit) @ (a / unit) for a, b in pairs]
    bases = []
    updates = []
    for (a, b), delta in zip(pairs, deltas):
        u, values, vt = np.linalg.svd(delta, full_matrices=False)
        count = min(rank, out, inner)
        values = values[:count]
        shares = values / values.sum()
        before = np.linalg.svd(w, full_matrices=False)[0]
        after = np.linalg.svd(w + delta, full_matrices=False)[0][:, :top]
        cosines = np.abs(before.T @ after).max(axis=0)
        assert np.abs(cosines - threshold).min() > 1e-3
        bases.append((u[:, :count], vt[:count].T))
        updates.append({
            "a": a.tolist(),
            "b": b.tolist(),
            "values": values.tolist(),
            "effectiveRank": float(np.exp(-(shares * np.log(shares)).sum())),
            "stableRank": float(np.linalg.norm(delta) ** 2 / values[0] ** 2),
            "norm": float(np.linalg.norm(delta)),
            "relativeNorm": float(np.linalg.norm(delta) / np.linalg.norm(w)),
            "intruders": int((cosines < threshold).sum()),
        })
    overlaps = [
        float(np.linalg.norm(first.T @ second) ** 2 / min(first.shape[1], second.shape[1]))
        for first, second in zip(*bases)
    ]
    return {
        "weight": weight.tolist(),
        "scale": scale,
        "top": top,
        "threshold": threshold,
        "updates": updates,
        "left": overlaps[0],
        "right": overlaps[1],
    }


print(json.dumps({
    "unit": unit,
    "cases": {
        "square": case(24, 24, 3, 2.0, 0.6),
        "tall": case(30, 20, 4, 1.0, 0.9),
        "wide": case(20, 30, 2, 0.5, 1.5),
        "small change": case(16, 16, 2, 1.0, 0.1),
        "more ranks than rows": case(6, 10, 8, 1.0, 0.5, top=4),
    },
}, separators=(",", ":")))
