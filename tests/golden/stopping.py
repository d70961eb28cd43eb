"""Figures that tests/stats/stopping_test.ts compares with: alpha spending and the anytime-valid t test.

Boundaries for known variance are integrated here (Armitage, McPherson and Rowe 1969) and held against the published tables of
ldbounds and gsDesign; critical values of the t test are quantiles of simulated studies, with their standard errors; the
mixture test is integrated over its prior; counts of sign tests are those of SciPy's binomial, path by path.

python -m pip install scipy==1.17.1
python tests/golden/stopping.py > tests/golden/stopping.json
"""

import json

import numpy as np
from scipy import integrate, optimize, stats

rng = np.random.default_rng(18)


def spent(spending, share, level):
    if spending == "pocock":
        return level * np.log(1 + (np.e - 1) * share)
    return 2 * stats.norm.sf(stats.norm.isf(level / 2) / np.sqrt(share))


def known_variance(shares, spending, level, points=1601):
    """Two-sided critical values of z, with `level` on each side."""
    found = []
    so_far = 0.0
    for i, share in enumerate(shares):
        wanted = spent(spending, share, level) - so_far
        so_far += wanted
        if i == 0:
            critical = stats.norm.isf(wanted)
        else:
            gap = np.sqrt(share - shares[i - 1])
            critical = optimize.brentq(
                lambda c: np.sum(weights * density * stats.norm.sf((c * np.sqrt(share) - grid) / gap)) - wanted, 0.1, 12
            )
        found.append(critical)
        end = critical * np.sqrt(share)
        moved = np.linspace(-end, end, points)
        if i == 0:
            density = stats.norm.pdf(moved, scale=np.sqrt(share))
        else:
            density = (stats.norm.pdf(moved[:, None], grid, gap) * (weights * density)).sum(axis=1)
        grid = moved
        # Simpson's rule.
        weights = np.full(points, 2.0)
        weights[1::2] = 4
        weights[[0, -1]] = 1
        weights *= (grid[1] - grid[0]) / 3
    return found


fifths = [0.2, 0.4, 0.6, 0.8, 1.0]
tables = {
    "obrien-fleming": [4.8769, 3.3569, 2.6803, 2.2898, 2.0310],
    "pocock": [2.4380, 2.4268, 2.4101, 2.3966, 2.3859],
}
integrated = {name: known_variance(fifths, name, 0.025) for name in tables}
for name, wanted in tables.items():
    np.testing.assert_allclose(integrated[name], wanted, atol=1.5e-4)


def simulated(looks, spending, level, sides, batches=24, paths=500_000):
    """Critical values of t as quantiles among the studies that are still open, batch by batch."""
    rows = []
    for _ in range(batches):
        total = np.zeros(paths)
        squares = np.zeros(paths)
        before = 0
        so_far = 0.0
        row = []
        for n in looks:
            block = n - before
            z = rng.normal(size=len(total))
            total += z * np.sqrt(block)
            squares += z * z + (rng.chisquare(block - 1, len(total)) if block > 1 else 0)
            before = n
            t = total / np.sqrt(n) / np.sqrt((squares - total**2 / n) / (n - 1))
            wanted = spent(spending, n / looks[-1], level) - so_far
            count = sides * wanted * paths
            if count < 50:
                row.append(None)
                continue
            so_far += wanted
            size = np.abs(t) if sides == 2 else t
            critical = np.quantile(size, 1 - count / len(size))
            row.append(critical)
            open_ = size <= critical
            total, squares = total[open_], squares[open_]
        rows.append(row)
    found = []
    for column in zip(*rows):
        if None in column:
            found.append(None)
        else:
            found.append({"t": float(np.mean(column)), "error": float(np.std(column, ddof=1) / np.sqrt(batches))})
    return {"looks": looks, "spending": spending, "level": level, "sides": sides, "critical": found}


def evidence(values, scale):
    """The likelihood of the t statistic with effects from N(0, scale^2), over that without effect."""
    values = np.array(values)
    n = len(values)
    t = values.mean() / values.std(ddof=1) * np.sqrt(n)
    with_effect, _ = integrate.quad(
        lambda effect: stats.norm.pdf(effect, scale=scale) * stats.nct.pdf(t, n - 1, effect * np.sqrt(n)),
        -6 * scale,
        6 * scale,
        points=[t / np.sqrt(n)],
        epsabs=1e-14,
        limit=500,
    )
    return float(np.log(with_effect / stats.t.pdf(t, n - 1)))


def sign_counts(looks, level, sides):
    """Counts that end a study by O'Brien-Fleming spending, with the chance of each block's count from SciPy."""
    chances = {0: 1.0}
    before, so_far, counts = 0, 0.0, []
    for n in looks:
        block = stats.binom(n - before, 0.5)
        above = {}
        for count, chance in chances.items():
            for more in range(n - before + 1):
                above[count + more] = above.get(count + more, 0) + chance * block.pmf(more)
        before = n
        wanted = spent("obrien-fleming", n / looks[-1], level) - so_far
        fits = [c for c in range(n + 1) if sum(p for count, p in above.items() if count >= c) <= wanted]
        counts.append(min(fits, default=None))
        end = counts[-1] if fits else n + 1
        so_far += sum(p for count, p in above.items() if count >= end)
        chances = {count: p for count, p in above.items() if count < end and (sides == 1 or count > n - end)}
    return {"looks": looks, "level": level, "sides": sides, "counts": counts, "spent": so_far}


signs = [
    sign_counts(looks, level, sides)
    for looks in ([10], [3, 6, 9, 12, 15, 18, 21, 24, 27, 30], [5, 10, 20, 40, 60])
    for level, sides in ((0.025, 2), (0.05, 1), (0.0125, 2))
]
# One look is the plain sign test.
assert signs[0]["counts"][0] == stats.binom.isf(0.025, 10, 0.5) + 1

print(
    json.dumps(
        {
            "spent": [
                {"spending": name, "share": share, "level": level, "spent": float(spent(name, share, level))}
                for name in tables
                for share in fifths
                for level in (0.025, 0.05)
            ],
            "knownVariance": {name: [float(z) for z in values] for name, values in integrated.items()},
            "critical": [
                simulated([3, 6, 9, 12, 15, 18, 21, 24, 27, 30], "pocock", 0.025, 2),
                simulated([5, 10, 20, 40, 60], "obrien-fleming", 0.025, 2),
                simulated([4, 8, 12, 20], "pocock", 0.05, 1),
            ],
            "evidence": [
                {"values": values, "scale": scale, "log": evidence(values, scale)}
                for values in ([0.4, 1.1, 0.2], [0.3, -0.2, 0.9, 1.4, 0.8, 0.1], np.round(rng.normal(0.4, 1, 14), 2).tolist())
                for scale in (0.5, 1.0)
            ],
            "signs": signs,
        },
        indent=1,
    )
)
