"""Figures that tests/report/rank_tests_test.ts compares with, from SciPy and statsmodels.

python -m pip install scipy==1.17.1 statsmodels==0.15.0
python tests/golden/rank_tests.py > tests/golden/rank_tests.json
"""

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


def wilcoxon(values):
    kept = np.array([value for value in values if value != 0])
    if len(kept) > 100:
        found = stats.wilcoxon(kept, method="asymptotic", correction=False)
    else:
        # All 2^n signs, which is exact with ties too.
        found = stats.wilcoxon(kept, method=stats.PermutationMethod(n_resamples=np.inf))
    ranks = stats.rankdata(np.abs(kept))
    return {
        "values": values,
        "n": len(kept),
        "positive": float(ranks[kept > 0].sum()),
        "p": float(found.pvalue),
    }


print(
    json.dumps(
        {
            "friedman": {name: friedman(rows) for name, rows in blocks.items()},
            "wilcoxon": {name: wilcoxon(values) for name, values in differences.items()},
            "holm": {
                name: {"p": values, "corrected": multipletests(values, method="holm")[1].tolist()}
                for name, values in ps.items()
            },
        },
        indent=1,
    )
)
