"""Intervals that tests/stats/two_way_test.ts compares with: mean squares from statsmodels' two-way analysis of variance.

python -m pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 pandas==3.1.1
python tests/golden/two_way.py > tests/golden/two_way.json
"""

import json

import numpy as np
import pandas as pd
from scipy import optimize, stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

rng = np.random.default_rng(7)
SEEDS, EXAMPLES = 5, 24
labels = rng.integers(0, 2, EXAMPLES)
easy = rng.normal(size=EXAMPLES)


def predictions(skill):
    noise = rng.normal(size=(SEEDS, EXAMPLES)) * 0.4
    right = easy + rng.normal(size=EXAMPLES) + skill + noise + 0.4 * rng.normal(size=(SEEDS, 1)) > 0
    return np.where(right, labels, 1 - labels)


ours, theirs = predictions(0.9), predictions(0.4)


def accuracy(predicted, wanted):
    return (predicted == wanted).mean()


def matthews(predicted, wanted):
    return np.corrcoef(predicted, wanted)[0, 1]


def interval(metric):
    def score(seed, kept):
        return metric(ours[seed, kept], labels[kept]) - metric(theirs[seed, kept], labels[kept])

    every = np.arange(EXAMPLES)
    whole = np.array([score(seed, every) for seed in range(SEEDS)])
    influence = np.array(
        [
            [EXAMPLES * whole[s] - (EXAMPLES - 1) * score(s, np.delete(every, e)) for e in every]
            for s in range(SEEDS)
        ]
    )
    frame = pd.DataFrame(
        [{"y": influence[s, e], "seed": s, "example": e} for s in range(SEEDS) for e in every]
    )
    table = anova_lm(ols("y ~ C(seed) + C(example)", frame).fit())
    squares = table["sum_sq"] / table["df"]
    noise = max(0.0, squares["C(example)"] - squares["Residual"]) / (SEEDS * EXAMPLES)
    error = whole.std(ddof=1) / np.sqrt(SEEDS)
    half = np.hypot(
        stats.t.ppf(0.975, SEEDS - 1) * error, stats.t.ppf(0.975, EXAMPLES - 1) * np.sqrt(noise)
    )
    return {
        "differences": whole.tolist(),
        "influence": influence.tolist(),
        "mean": float(whole.mean()),
        "seedError": float(error),
        "exampleError": float(np.sqrt(noise)),
        "low": float(whole.mean() - half),
        "high": float(whole.mean() + half),
    }


def conditions(seeds, k):
    """The chance at which the bounds over seeds and over examples sum to the squares between means."""
    own = np.random.default_rng(100 * seeds + k)
    values = np.round(own.normal(0, 1, (seeds, k)) * own.uniform(0.3, 2, k) + own.normal(0, 1, k), 4)
    variances = np.round(own.uniform(0.05, 0.6, k), 4)
    centring = np.eye(k) - 1 / k

    def spread(covariance):
        roots = np.linalg.eigvalsh(centring @ covariance @ centring)
        return roots.sum(), roots.sum() ** 2 / (roots**2).sum()

    by_seeds, df_seeds = spread(np.cov(values, rowvar=False) / seeds)
    by_examples, df_examples = spread(np.diag(variances))
    between = k * values.mean(axis=0).var()
    freedom = 40

    def over(p):
        return (
            by_seeds * stats.f.isf(p, df_seeds, df_seeds * (seeds - 1))
            + by_examples * stats.f.isf(p, df_examples, df_examples * freedom)
            - between
        )

    p = optimize.brentq(over, 1e-12, 1 - 1e-12, xtol=1e-14)
    if k == 2:  # the sum of two squared halves of t intervals
        error = (values[:, 0] - values[:, 1]).std(ddof=1) / np.sqrt(seeds)
        halves = stats.t.isf(p / 2, seeds - 1) * error, stats.t.isf(p / 2, freedom) * np.sqrt(variances.sum())
        assert np.isclose(np.hypot(*halves), abs(np.diff(values.mean(axis=0))[0]))
    return {"seeds": values.tolist(), "variances": variances.tolist(), "freedom": freedom, "p": p}


print(
    json.dumps(
        {
            "labels": labels.tolist(),
            "ours": ours.tolist(),
            "theirs": theirs.tolist(),
            "accuracy": interval(accuracy),
            "matthews": interval(matthews),
            "conditions": [conditions(*sizes) for sizes in [(3, 2), (6, 2), (4, 3), (9, 5)]],
        },
    )
)
