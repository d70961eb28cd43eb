"""Figures that tests/stats/stopped_mean_test.ts compares with: median-unbiased means of group-sequential studies.

The chance of an outcome beyond the observed one, in the stage-wise ordering, is a sum of probabilities of rectangles of the
multivariate normal distribution of the sums at the looks (SciPy's quasi-Monte Carlo `multivariate_normal.cdf`): no
integration from look to look. The unit is the standard deviation of a value.

python -m pip install scipy==1.17.1
python tests/golden/stopped_mean.py > tests/golden/stopped_mean.json
"""

import itertools
import json

import numpy as np
from scipy import optimize, stats


def rectangle(ends, counts, drift):
    """P(low < mean < high at each look) for independent normal values."""
    k = len(ends)
    counts = np.array(counts[:k], float)
    cov = np.minimum.outer(counts, counts)
    low = np.array([e[0] for e in ends]) * counts
    high = np.array([e[1] for e in ends]) * counts
    mean = drift * counts
    if k == 1:
        s = np.sqrt(counts[0])
        return stats.norm.cdf((high[0] - mean[0]) / s) - stats.norm.cdf((low[0] - mean[0]) / s)
    return stats.multivariate_normal.cdf(
        np.clip(high, -500, 500), mean, cov, lower_limit=np.clip(low, -500, 500), maxpts=200_000 * k, abseps=1e-7, releps=1e-7,
        rng=np.random.default_rng(5),
    )


def going_on(region):
    _, above, below, within = region
    return [(below, -within), (within, above)] if within > 0 else [(below, above)]


def reaching(regions, look, last, drift):
    """P(open until `look`, and there a mean within `last`)."""
    counts = [region[0] for region in regions]
    if last[0] >= last[1]:
        return 0.0
    paths = itertools.product(*[going_on(region) for region in regions[:look]])
    return sum(rectangle([*path, last], counts, drift) for path in paths)


def chance(regions, look, mean, side, drift):
    infinite = np.inf
    if side == "above":
        earlier = sum(reaching(regions, j, (regions[j][1], infinite), drift) for j in range(look))
        return earlier + reaching(regions, look, (mean, infinite), drift)
    if side == "below":
        earlier = sum(reaching(regions, j, (-infinite, regions[j][2]), drift) for j in range(look))
        return 1 - earlier - reaching(regions, look, (-infinite, mean), drift)
    total = 0.0
    for j, (_, above, below, within) in enumerate(regions):
        total += reaching(regions, j, (above, infinite), drift)
        is_last = j == len(regions) - 1
        top, bottom = (above, below) if is_last else (within, -within)
        total += reaching(regions, j, (max(mean, bottom), top), drift)
    return total


def find(regions, look, mean, side):
    wide = 3 / np.sqrt(regions[look][0])
    return optimize.brentq(lambda d: chance(regions, look, mean, side, d) - 0.5, mean - wide, mean + wide, xtol=1e-6)


# O'Brien and Fleming's z of five equal looks at 5 % are 4.562 / sqrt(k / 5) ... 2.040 (Jennison and Turnbull 2000, table 2.3),
# Pocock's 2.413 (table 2.1).
pocock = [(n, 2.413 / np.sqrt(n), -2.413 / np.sqrt(n), 0) for n in (4, 8, 12, 16, 20)]
fleming = [(n, 2.040 * np.sqrt(5 / (i + 1)) / np.sqrt(n), -2.040 * np.sqrt(5 / (i + 1)) / np.sqrt(n), 0)
           for i, n in enumerate((4, 8, 12, 16, 20))]
wedge = [(6, 1.2, -1.2, 0), (12, 0.75, -0.75, 0.1), (18, 0.55, -0.55, 0.2)]
cases = [
    ("pocock", pocock, 0, 1.4, "above"),
    ("pocock", pocock, 1, 0.95, "above"),
    ("pocock", pocock, 2, -0.8, "below"),
    ("pocock", pocock, 4, 0.6, "above"),
    ("pocock", pocock, 4, 0.2, "middle"),
    ("fleming", fleming, 1, 1.2, "above"),
    ("fleming", fleming, 2, 0.8, "above"),
    ("fleming", fleming, 4, 0.5, "above"),
    ("wedge", wedge, 1, 0.05, "middle"),
    ("wedge", wedge, 1, 0.9, "above"),
    ("wedge", wedge, 2, -0.1, "middle"),
    ("wedge", wedge, 2, 0.3, "middle"),
    ("wedge", wedge, 2, 0.6, "above"),
]
print(json.dumps({
    "regions": {
        name: [dict(zip(("n", "above", "below", "within"), (int(r[0]), *map(float, r[1:])))) for r in regions]
        for name, regions in (("pocock", pocock), ("fleming", fleming), ("wedge", wedge))
    },
    "cases": [
        {"plan": name, "look": look, "mean": mean, "side": side, "unbiased": round(find(regions, look, mean, side), 5)}
        for name, regions, look, mean, side in cases
    ],
}, indent=2))
