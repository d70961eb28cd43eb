"""Figures that tests/stats/repeated_measures_test.ts compares with: analysis of variance with repeated measures.

python -m pip install pingouin==0.7.0
python tests/golden/repeated_measures.py > tests/golden/repeated_measures.json
"""

import json
import sys

sys.path.pop(0)  # statistics.py beside this file is not the library's

import numpy as np
import pandas as pd
import pingouin as pg

rng = np.random.default_rng(7)
cases = []
for n, k in [(3, 2), (6, 2), (4, 3), (6, 3), (9, 5), (12, 6)]:
    spread = rng.uniform(0.3, 2, k)
    values = rng.normal(0, 1, (n, 1)) + rng.normal(0, 1, (n, k)) * spread + rng.normal(0, 0.7, k)
    values = np.round(values, 4)
    table = pd.DataFrame(
        [(i, j, values[i, j]) for i in range(n) for j in range(k)], columns=["block", "condition", "value"]
    )
    found = pg.rm_anova(table, dv="value", within="condition", subject="block", correction=True).iloc[0]
    p = found.get("p_GG_corr", found["p_unc"])  # of two conditions there is nothing to correct
    cases.append(
        {
            "blocks": values.tolist(),
            "f": float(found["F"]),
            "epsilon": float(found["eps"]),
            "p": float(p),
        }
    )
print(json.dumps({"cases": cases}, indent=1))
