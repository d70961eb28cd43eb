"""Figures that tests/stats/effects_test.ts compares with: effects, cliques, families, rliable's measures, deepsig's order.

python -m pip install scipy==1.17.1 statsmodels==0.15.0 networkx rliable==1.2.0 deepsig==1.2.8
python tests/golden/effects.py > tests/golden/effects.json
"""

import json
import warnings

import networkx as nx
import numpy as np
from deepsig import aso
from deepsig.aso import compute_violation_ratio
from rliable import metrics
from scipy import optimize, special, stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(21)


def effect(values):
    values = np.array(values)
    n, freedom = len(values), len(values) - 1
    d = values.mean() / values.std(ddof=1)
    factor = 0 if n == 2 else special.gamma(freedom / 2) / (np.sqrt(freedom / 2) * special.gamma((freedom - 1) / 2))
    t = d * np.sqrt(n)
    low, high = (
        optimize.brentq(lambda shift: stats.nct.sf(t, freedom, shift) - p, t - 30, t + 30) / np.sqrt(n) for p in (0.025, 0.975)
    )
    return {"values": values.tolist(), "d": float(d), "g": float(factor * d), "low": float(low), "high": float(high)}


def cliques(count, apart):
    graph = nx.complete_graph(count)
    graph.remove_edges_from(apart)
    return {"count": count, "apart": apart, "cliques": sorted(sorted(clique) for clique in nx.find_cliques(graph))}


def random_pairs(count, share):
    return [[i, j] for i in range(count) for j in range(i + 1, count) if rng.random() < share]


def family(primary, secondary):
    """A serial gatekeeper: secondary p-values are at least the largest corrected primary one."""
    corrected = multipletests(primary, method="holm")[1]
    rest = np.maximum(multipletests(secondary, method="holm")[1], corrected.max())
    return {
        "primary": primary,
        "secondary": secondary,
        "corrected": {"primary": corrected.tolist(), "secondary": rest.tolist()},
    }


# rliable wants runs by tasks, and as many runs of each.
ours = np.round(rng.normal([0.6, 0.8, 0.7], 0.03, (6, 3)), 3)
theirs = np.round(rng.normal([0.58, 0.81, 0.66], 0.03, (6, 3)), 3)
theirs[0, 0] = ours[0, 0]
taus = np.array([0.55, 0.6, 0.65, 0.7, 0.8, 0.85])


def drawn(scores):
    """rliable's stratified bootstrap; its own rests on arch, which does not import beside today's pandas."""
    return np.take_along_axis(scores, rng.integers(0, len(scores), scores.shape), axis=0)


def interval(statistic, draws):
    return np.quantile([statistic() for _ in range(draws)], [0.025, 0.975]).tolist()


def order(a, b):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "a": a,
            "b": b,
            "ratio": float(compute_violation_ratio(np.array(a), np.array(b), dt=1e-5)),
            "limit": float(aso(a, b, seed=3, num_bootstrap_iterations=4000, dt=0.005, show_progress=False)),
        }


print(
    json.dumps(
        {
            "effects": [
                effect(values)
                for values in ([0.4, 1.1], [0.8, 1.3, 0.5], np.round(rng.normal(-0.3, 1, 12), 2), np.round(rng.normal(1, 1, 30), 2))
            ],
            "cliques": [
                cliques(4, [[0, 2], [0, 3]]),
                cliques(3, []),
                cliques(3, [[0, 1], [0, 2], [1, 2]]),
                cliques(7, random_pairs(7, 0.4)),
                cliques(12, random_pairs(12, 0.5)),
            ],
            "families": [
                family([0.01, 0.03], [0.001, 0.04, 0.2]),
                family([0.004], [0.001, 0.02]),
                family([0.3, 0.001, 0.02], [0.0001, 0.9]),
            ],
            "scores": {
                "ours": ours.T.tolist(),
                "theirs": theirs.T.tolist(),
                "improvement": float(metrics.probability_of_improvement(ours, theirs)),
                "improvementInterval": interval(
                    lambda: metrics.probability_of_improvement(drawn(ours), drawn(theirs)), 4_000
                ),
                "interquartileMean": float(metrics.aggregate_iqm(ours)),
                "interquartileInterval": interval(lambda: metrics.aggregate_iqm(drawn(ours)), 20_000),
                "thresholds": taus.tolist(),
                "profile": [float(np.mean(ours > tau)) for tau in taus],
            },
            "orders": [
                order(np.round(rng.normal(0.70, 0.03, 8), 3).tolist(), np.round(rng.normal(0.66, 0.03, 8), 3).tolist()),
                order(np.round(rng.normal(0.70, 0.03, 10), 3).tolist(), np.round(rng.normal(0.70, 0.05, 6), 3).tolist()),
                order([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
            ],
        },
        indent=1,
    )
)
