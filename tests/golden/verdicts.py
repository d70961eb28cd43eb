"""Figures that tests/stats/verdicts_test.ts compares with: t tails, equivalence, power, and the Bayesian t test.

python -m pip install scipy==1.17.1 statsmodels==0.15.0 baycomp==1.0.3
python tests/golden/verdicts.py > tests/golden/verdicts.json
"""

import json

import baycomp
import numpy as np
from scipy import integrate, optimize, stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

rng = np.random.default_rng(18)
samples = {
    "three seeds": [0.8, 1.3, 0.5],
    "ten around zero": np.round(rng.normal(0.1, 0.6, 10), 3).tolist(),
    "thirty, clear": np.round(rng.normal(1.6, 1.1, 30), 3).tolist(),
}

tails = [
    {"t": t, "freedom": freedom, "upper": float(stats.t.sf(t, freedom))}
    for t in (-3.2, -0.4, 1e-3, 0.7, 2.5, 9.0, 60.0)
    for freedom in (1, 2, 2.5, 9, 40, 999)
]
noncentral = [
    {"t": t, "freedom": freedom, "shift": shift, "upper": float(stats.nct.sf(t, freedom, shift))}
    for t in (-1.5, 0.5, 2.2, 6.0)
    for freedom in (2, 5, 29, 200)
    for shift in (-2.0, 0.3, 3.0, 6.0)
]


def equivalence(values, margin):
    p, (_, below, _), (_, above, _) = ttost_paired(np.array(values), np.zeros(len(values)), -margin, margin)
    return {"margin": margin, "p": float(p), "pBelow": float(below), "pAbove": float(above)}


def odds(values, margin, runs=None):
    """baycomp's correlation is runs / n; without correlation the posterior is the textbook's."""
    values = np.array(values)
    n = len(values)
    if runs is None:
        scale = values.std(ddof=1) / np.sqrt(n)
        worse = stats.t.cdf(-margin, n - 1, values.mean(), scale)
        better = stats.t.sf(margin, n - 1, values.mean(), scale)
        found = (worse, 1 - worse - better, better)
    else:
        found = baycomp.CorrelatedTTest.probs(np.zeros(n), values, rope=margin, runs=runs)
    return {
        "margin": margin,
        "correlation": 0 if runs is None else runs / n,
        "worse": float(found[0]),
        "equal": float(found[1]),
        "better": float(found[2]),
    }


power = TTestPower()


def equivalence_power(n, margin, difference, sd, level):
    """An integral over the sample's variance, by adaptive quadrature: independent of ranklab's rule over its logarithm."""
    critical = stats.t.isf(level, n - 1)
    unit = np.sqrt(n) / sd
    end = min((n - 1) * (unit * margin / critical) ** 2, stats.chi2.isf(1e-16, n - 1))

    def inner(chi):
        spread = np.sqrt(chi / (n - 1))
        return stats.chi2.pdf(chi, n - 1) * (
            stats.norm.cdf(unit * (margin - difference) - critical * spread)
            - stats.norm.cdf(critical * spread - unit * (margin + difference))
        )

    middle = min(end, n - 1)
    return sum(
        integrate.quad(inner, low, high, epsabs=1e-13, limit=500)[0] for low, high in ((0, middle), (middle, end))
    )


def least_margin(n, sd, level, wanted):
    return optimize.brentq(lambda margin: equivalence_power(n, margin, 0, sd, level) - wanted, 1e-3, 200 * sd, xtol=1e-12)


def fewest(power_of, wanted):
    n = 2
    while power_of(n) < wanted:
        n += 1
    return n


print(
    json.dumps(
        {
            "tails": tails,
            "noncentral": noncentral,
            "samples": {
                name: {
                    "values": values,
                    "equivalence": [equivalence(values, margin) for margin in (0.3, 1.0, 2.5)],
                    "odds": [odds(values, margin) for margin in (0.2, 1.0)] + [odds(values, 0.5, runs=1)],
                }
                for name, values in samples.items()
            },
            "differencePower": [
                {
                    "n": n,
                    "effect": effect,
                    "level": level,
                    "power": float(power.power(effect, n, level, alternative="two-sided")),
                }
                for n in (2, 3, 5, 12, 60)
                for effect in (0.0, 0.4, 1.0, 2.5)
                for level in (0.05, 0.005)
                # SciPy's noncentral t is no number where the power is 1 to all digits.
                if effect < 2.5 or n < 12
            ],
            "seeds": [
                {
                    "effect": effect,
                    "power": wanted,
                    "n": float(power.solve_power(effect, None, 0.05, wanted, alternative="two-sided")),
                }
                for effect in (0.2, 0.35, 0.5, 0.8, 1.0, 1.7)
                for wanted in (0.8, 0.95)
            ],
            "smallest": [
                {"n": n, "effect": float(power.solve_power(None, n, 0.05, 0.8, alternative="two-sided"))}
                for n in (3, 5, 10, 30)
            ],
            "equivalencePower": [
                {
                    "n": n,
                    "margin": margin,
                    "difference": difference,
                    "level": 0.05,
                    "power": equivalence_power(n, margin, difference, 1, 0.05),
                }
                for n in (2, 3, 6, 20, 60)
                for margin in (0.5, 1.0, 2.0)
                for difference in (0.0, 0.3, 0.5)
            ],
            "equivalenceSeeds": [
                {
                    "margin": margin,
                    "difference": difference,
                    "n": fewest(lambda n: equivalence_power(n, margin, difference, 1, 0.05), 0.8),
                }
                for margin, difference in ((0.5, 0.0), (1.0, 0.0), (1.0, 0.4), (2.0, 0.0))
            ],
            "smallestMargin": [{"n": n, "margin": least_margin(n, 1, 0.05, 0.8)} for n in (3, 5, 10, 30)],
            "spread": [
                {
                    "freedom": freedom,
                    "level": level,
                    "low": float(np.sqrt(freedom / stats.chi2.ppf((1 + level) / 2, freedom))),
                    "high": float(np.sqrt(freedom / stats.chi2.ppf((1 - level) / 2, freedom))),
                }
                for freedom in (1, 2, 9, 40)
                for level in (0.6, 0.95)
            ],
        },
        indent=1,
    )
)
