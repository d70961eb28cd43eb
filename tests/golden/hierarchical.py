"""Probabilities that tests/stats/bayes_test.ts compares with, from baycomp's hierarchical test, which samples with Stan.

The compiler takes some minutes, longer than pystan's connection waits by default; each case takes one or two more. Stan's draws
are not seeded by baycomp: another run differs in the third digit.

python -m pip install baycomp==1.0.3 pystan==3.10.0 setuptools==75.8.0
python tests/golden/hierarchical.py > tests/golden/hierarchical.json
"""

import json
import os
import tempfile

import aiohttp.client
import baycomp
import numpy as np

aiohttp.client.DEFAULT_TIMEOUT = aiohttp.ClientTimeout(total=None)
# baycomp leaves its last sample in the working folder.
os.chdir(tempfile.mkdtemp())
rng = np.random.default_rng(3)


def case(tasks, seeds, mean, among, within):
    return np.round(
        mean + among * rng.normal(size=(tasks, 1)) + within * rng.normal(size=(tasks, seeds)), 3
    )


cases = {
    "four tasks, six seeds": (case(4, 6, 0.5, 0.5, 1), 0.5),
    "eight tasks, five seeds, alike": (case(8, 5, 0.0, 0.2, 1), 0.8),
    "six tasks, ten seeds, better": (case(6, 10, 1.5, 0.6, 0.8), 0.5),
}


def test(values, margin):
    worse, equal, better = baycomp.HierarchicalTest.probs(np.zeros_like(values), values, rope=margin, runs=1, nsamples=20000)
    return {
        "values": values.tolist(),
        "margin": margin,
        # One run of as many folds as there are values.
        "correlation": 1 / values.shape[1],
        "worse": float(worse),
        "equal": float(equal),
        "better": float(better),
    }


print(json.dumps({name: test(*of) for name, of in cases.items()}, indent=1))
