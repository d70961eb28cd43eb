"""Figures that tests/stats/rank_tests_test.ts compares with, from SciPy and statsmodels.

Up to 200 differences ranklab's p is exact, with ties too. SciPy is exact without ties, and with them by trying all signs of
few differences; both are compared here with whole numbers of Python's, which then give p for many differences with ties.

python -m pip install scipy==1.17.1 statsmodels==0.15.0
python tests/golden/rank_tests.py > tests/golden/rank_tests.json
"""

import fractions
import json

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(5)

blocks = {
    "four blocks of three": [[0.81, 0.84, 0.80], [0.62, 0.66, 0.61], [0.71, 0.70, 0.69], [0.9, 0.95, 0.93]],
    "with ties": [[0.5, 0.5, 0.7], [0.6, 0.4, 0.6], [0.2, 0.2, 0.2], [0.3, 0.1, 0.8], [0.9, 0.7, 0.95]],
    "nine blocks of seventeen": np.round(
        rng.normal(size=(9, 17)) + np.linspace(0, 1.2, 17) + rng.normal(size=(9, 1)), 2
    ).tolist(),
}
differences = {
    "no ties": [0.03, -0.01, 0.04, 0.05, 0.02, 0.07],
    "all above zero": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09],
    "ties and zeros": [0.5, 0.0, -0.5, 1.0, 1.0, 1.0, 0.0, 2.0, -1.5, 2.5, 2.5, 0.5],
    "balanced": [1.0, -1.0, 2.0, -2.0],
    "fifteen": np.round(rng.normal(0.6, 1, 15), 3).tolist(),
    "a hundred and fifty": np.round(rng.normal(0.2, 1, 150), 1).tolist(),
}
ps = {
    "six": [0.0009, 0.04, 0.03, 0.005, 0.9, 0.03],
    "many": np.round(rng.uniform(0, 1, 12) ** 3, 6).tolist(),
}


def friedman(rows):
    columns = np.array(rows).T
    found = stats.friedmanchisquare(*columns)
    permuted = stats.permutation_test(
        tuple(columns),
        lambda *samples: stats.friedmanchisquare(*samples).statistic,
        permutation_type="samples",
        alternative="greater",
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    )
    return {
        "scores": rows,
        "statistic": float(found.statistic),
        "p": float(permuted.pvalue),
    }


# How many differences (of which some are zero), and of what sizes, see many().
series = {
    "120 wins": [120, 1009, 0],
    "120, most of them won": [120, 1009, 60],
    "200 without ties": [200, 1009, 341],
    "200 with ties and zeros": [203, 41, 14],
    "200 that are balanced": [200, 400, 200],
    "201 without ties": [201, 1009, 400],
    "250 near the level": [250, 1009, 463],
    "300 with ties and zeros": [310, 31, 11],
    "1,000 without ties": [1000, 2003, 900],
    "1,000 with ties and zeros": [1040, 26, 10],
    "1,000 wins": [1000, 1009, 0],
}
MOST_EXACT = 200


def many(count, modulus, shift):
    return [i * 7919 % modulus - shift for i in range(1, count + 1)]


def exact(ranks, positive):
    """Two-sided p of a sum of ranks with random signs, in whole numbers."""
    sizes = [round(2 * rank) for rank in ranks]
    ways = [1] + [0] * sum(sizes)
    reach = 0
    for size in sizes:
        reach += size
        for at in range(reach, size - 1, -1):
            ways[at] += ways[at - size]
    tail = min(round(2 * positive), sum(sizes) - round(2 * positive))
    return min(1.0, float(fractions.Fraction(2 * sum(ways[: tail + 1]), 2 ** len(sizes))))


def wilcoxon(values):
    kept = np.array([value for value in values if value != 0])
    sizes = np.abs(kept)
    ranks = stats.rankdata(sizes)
    positive = float(ranks[kept > 0].sum())
    if len(kept) > MOST_EXACT:
        p = float(stats.wilcoxon(kept, method="asymptotic", correction=False).pvalue)
    else:
        p = exact(ranks, positive)
        if len(set(sizes)) == len(kept):
            # SciPy takes its tail from 1, so that the smallest are 0 there.
            np.testing.assert_allclose(stats.wilcoxon(kept, method="exact").pvalue, p, rtol=1e-10, atol=1e-14)
        elif len(kept) <= 15:
            # All 2^n signs, which is exact with ties too.
            tried = stats.wilcoxon(kept, method=stats.PermutationMethod(n_resamples=np.inf))
            np.testing.assert_allclose(tried.pvalue, p, rtol=1e-12)
    return {"n": len(kept), "positive": positive, "p": p}


print(
    json.dumps(
        {
            "friedman": {name: friedman(rows) for name, rows in blocks.items()},
            "wilcoxon": {name: {"values": values} | wilcoxon(values) for name, values in differences.items()},
            "series": {name: {"series": of} | wilcoxon(many(*of)) for name, of in series.items()},
            "holm": {
                name: {"p": values, "corrected": multipletests(values, method="holm")[1].tolist()}
                for name, values in ps.items()
            },
        },
        indent=1,
    )
)
