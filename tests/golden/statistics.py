"""Figures that tests/stats/statistics_test.ts compares with, from SciPy.

python -m pip install scipy==1.17.1
python tests/golden/statistics.py > tests/golden/statistics.json
"""

import json

import numpy as np
from scipy import stats

samples = {
    "three seeds": [0.8123, 0.8071, 0.8204],
    "two seeds": [71.3, 70.1],
    "ten values": [2.1, -0.4, 3.3, 0.0, 1.25, 1.25, -2.2, 0.7, 5.1, -1.0],
}
pairs = {
    "no ties": ([1, 2, 3, 4, 5, 6, 7], [2.5, 0.1, 3.7, 9.2, 4.4, 12.0, 6.5]),
    "ties on both sides": (
        [1, 1, 2, 2, 2, 4, 8, 8, 3, 1, 1, 5],
        [0.1, 0.1, 0.4, -0.2, 0.4, 0.9, 1.1, 0.1, 0.5, 0.0, -0.3, 0.5],
    ),
    "falling": ([1, 2, 3, 4], [9, 7, 5, 5]),
}


def summary(values):
    low, high = stats.t.interval(0.95, len(values) - 1, stats.tmean(values), stats.sem(values))
    return {
        "values": values,
        "mean": float(stats.tmean(values)),
        "sd": float(stats.tstd(values)),
        "low": float(low),
        "high": float(high),
        "skewness": float(stats.skew(values, bias=False)) if len(values) > 2 else None,
    }


def correlation(x, y):
    return {
        "x": x,
        "y": y,
        "spearman": float(stats.spearmanr(x, y).statistic),
        "kendall": float(stats.kendalltau(x, y, variant="b").statistic),
        "ranks": [float(rank) for rank in stats.rankdata(y)],
    }


def bootstrap_of_mean(values):
    interval = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=100_000,
        confidence_level=0.95,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {"values": values, "low": float(interval.low), "high": float(interval.high)}


quantiles = [
    {"level": level, "freedom": freedom, "t": float(stats.t.ppf((1 + level) / 2, freedom))}
    for level in (0.5, 0.8, 0.95, 0.99)
    for freedom in (1, 2, 3, 4, 5, 9, 10, 29, 100, 1001, 40000)
]

print(
    json.dumps(
        {
            "summaries": {name: summary(values) for name, values in samples.items()},
            "correlations": {name: correlation(x, y) for name, (x, y) in pairs.items()},
            "bootstrap": bootstrap_of_mean(samples["ten values"]),
            "quantiles": quantiles,
        },
        indent=1,
    )
)
