"""Intervals that tests/stats/two_way_bootstrap_test.ts compares with, from NumPy on given draws and from SciPy's bootstrap.

SciPy resamples two independent samples of indices, seeds and examples, which is the two-way bootstrap.

python -m pip install scipy==1.17.1
python tests/golden/two_way_bootstrap.py > tests/golden/two_way_bootstrap.json
"""

import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(7)
SEEDS, EXAMPLES, DRAWS = 5, 24, 60
labels = rng.integers(0, 2, EXAMPLES)
easy = rng.normal(size=EXAMPLES)


def predictions(skill):
    noise = rng.normal(size=(SEEDS, EXAMPLES)) * 0.7
    right = easy + skill + noise + 0.4 * rng.normal(size=(SEEDS, 1)) > 0
    return np.where(right, labels, 1 - labels)


ours, theirs = predictions(0.9), predictions(0.4)


def accuracy(predicted, wanted):
    return (predicted == wanted).mean()


def matthews(predicted, wanted):
    return np.corrcoef(predicted, wanted)[0, 1]


def statistic_of(metric):
    def statistic(seeds, examples):
        seeds, examples = np.asarray(seeds), np.asarray(examples)
        wanted = labels[examples]
        return np.mean([metric(ours[s, examples], wanted) - metric(theirs[s, examples], wanted) for s in seeds])

    return statistic


def intervals(metric, draws):
    statistic = statistic_of(metric)
    observed = statistic(np.arange(SEEDS), np.arange(EXAMPLES))
    values = np.array([statistic(*draw) for draw in draws])
    bias = stats.norm.ppf((np.sum(values < observed) + np.sum(values <= observed)) / 2 / len(values))
    numerator = denominator = 0
    for axis, n in ((0, SEEDS), (1, EXAMPLES)):
        full = [np.arange(SEEDS), np.arange(EXAMPLES)]
        left = []
        for i in range(n):
            part = list(full)
            part[axis] = np.delete(full[axis], i)
            left.append(statistic(*part))
        u = (n - 1) * (np.mean(left) - np.array(left))
        numerator += (u**3).sum() / n**3
        denominator += (u**2).sum() / n**2
    acceleration = numerator / (6 * denominator**1.5)
    z = stats.norm.ppf([0.025, 0.975])
    moved = stats.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z)))
    low, high = np.quantile(values, [0.025, 0.975])
    corrected_low, corrected_high = np.quantile(values, moved)
    return {
        "observed": float(observed),
        "percentile": {"low": float(low), "high": float(high)},
        "corrected": {"low": float(corrected_low), "high": float(corrected_high)},
    }


def scipy_intervals(metric, draws):
    statistic = statistic_of(metric)
    data = (np.arange(SEEDS), np.arange(EXAMPLES))
    found = {}
    for method, name in (("percentile", "percentile"), ("BCa", "corrected")):
        interval = stats.bootstrap(
            data, statistic, method=method, vectorized=False, n_resamples=draws, rng=np.random.default_rng(0)
        ).confidence_interval
        found[name] = {"low": float(interval.low), "high": float(interval.high)}
    return found


draws = [
    (rng.integers(0, SEEDS, SEEDS).tolist(), rng.integers(0, EXAMPLES, EXAMPLES).tolist()) for _ in range(DRAWS)
]
print(
    json.dumps(
        {
            "labels": labels.tolist(),
            "ours": ours.tolist(),
            "theirs": theirs.tolist(),
            "draws": [{"seeds": seeds, "examples": examples} for seeds, examples in draws],
            "given": {"accuracy": intervals(accuracy, draws), "matthews": intervals(matthews, draws)},
            "scipy": scipy_intervals(accuracy, 20_000),
        },
    )
)
