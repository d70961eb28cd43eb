"""Never falling fits and their inverse that tests/stats/monotone_test.ts compares with: scikit-learn and SciPy.

python -m pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.7.2
python tests/golden/monotone.py > tests/golden/monotone.json
"""

import json

import numpy as np
from scipy import stats
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(15)

fits = []
for size in (1, 2, 3, 5, 8, 12):
    for ties in (False, True):
        values = rng.normal(size=size) + 0.2 * np.arange(size)
        if ties:
            values = np.round(values)
        weights = rng.integers(1, 6, size).astype(float)
        fitted = IsotonicRegression().fit_transform(np.arange(size), values, sample_weight=weights)
        fits.append({"values": values.tolist(), "weights": weights.tolist(), "fitted": fitted.tolist()})

reached = []
for size in (2, 3, 5):
    places = np.log2(np.sort(rng.uniform(1, 40, size)))
    values = np.sort(rng.normal(70, 3, size))
    line = interp1d(places, values)
    for share in (0.1, 0.5, 0.9):
        level = values[0] + share * (values[-1] - values[0])
        place = brentq(lambda x: line(x) - level, places[0], places[-1], xtol=1e-14)
        reached.append(
            {"places": places.tolist(), "values": values.tolist(), "level": level, "place": place}
        )

# A test of the paired difference at each place, and the places where its p is .05.
places = np.log2([1, 4, 16])
seeds = rng.normal(0, 0.8, 6)
reference = [[70, 74, 76][k] + seeds + rng.normal(0, 0.4, 6) for k in range(3)]
method = 73 + seeds + rng.normal(0, 0.4, 6)


def p_at(place):
    own = np.array([interp1d(places, column)(place) for column in np.array(reference).T])
    return stats.ttest_rel(own, method).pvalue


def mean_at(place):
    return interp1d(places, np.mean(reference, axis=1))(place) - method.mean()


middle = brentq(mean_at, places[0], places[-1], xtol=1e-14)
interval = {
    "places": places.tolist(),
    "reference": [column.tolist() for column in reference],
    "method": method.tolist(),
    "estimate": middle,
    "low": brentq(lambda x: p_at(x) - 0.05, places[0], middle, xtol=1e-14),
    "high": brentq(lambda x: p_at(x) - 0.05, middle, places[-1], xtol=1e-14),
}

print(json.dumps({"fits": fits, "reached": reached, "interval": interval}))
