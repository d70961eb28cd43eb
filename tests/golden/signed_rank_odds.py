"""Probabilities that tests/stats/bayes_test.ts compares with, from baycomp's Bayesian signed-rank test.

python -m pip install baycomp==1.0.3
python tests/golden/signed_rank_odds.py > tests/golden/signed_rank_odds.json
"""

import json

import baycomp
import numpy as np

rng = np.random.default_rng(14)
cases = {
    "five tasks": ([1.2, 0.4, 0.9, -0.3, 0.7], 0.5, 0.5),
    "nine, on the edge": ([0.5, -0.5, 0.5, 1.0, 0.0, 0.5, 1.5, -1.0, 0.5], 0.5, 0.5),
    "twenty": (np.round(rng.normal(0.5, 1, 20), 2).tolist(), 0.4, 0.5),
    "twelve, alike": (np.round(rng.normal(0, 0.4, 12), 2).tolist(), 0.3, 0.5),
    "ten without a region": (np.round(rng.normal(0.2, 1, 10), 2).tolist(), 0, 0.5),
    "six, a whole pseudo-difference": ([0.9, 1.4, 0.2, 0.6, -0.4, 0.8], 0.3, 1.0),
}
draws = 200_000


def test(values, margin, prior):
    sample = baycomp.SignedRankTest.sample(
        np.zeros(len(values)), np.array(values), rope=margin, prior=prior, nsamples=draws, random_state=1
    )
    worse, equal, better = np.bincount(np.argmax(sample, axis=1), minlength=3) / draws
    return {
        "values": values,
        "margin": margin,
        "prior": prior,
        "worse": float(worse),
        "equal": float(equal),
        "better": float(better),
    }


print(json.dumps({name: test(*of) for name, of in cases.items()}, indent=1))
