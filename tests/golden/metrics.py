"""Writes metrics.json beside this file: what scikit-learn and SciPy say about small predictions.

    pip install scikit-learn==1.9.1 scipy==1.17.1
    python tests/golden/metrics.py

A correlation that SciPy leaves undefined (NaN) is written as null.
"""

import json
import math
import pathlib
import random
import warnings

from scipy import stats
from sklearn import metrics

warnings.simplefilter("ignore")


def classes(targets: list[int], predictions: list[int], binary: bool) -> dict:
    figures = {
        "accuracy": float(metrics.accuracy_score(targets, predictions)),
        "matthews": float(metrics.matthews_corrcoef(targets, predictions)),
        "macroF1": float(metrics.f1_score(targets, predictions, average="macro")),
    }
    if binary:
        figures["f1"] = float(metrics.f1_score(targets, predictions))
    return {"targets": targets, "predictions": predictions, "figures": figures}


def scores(targets: list[float], predictions: list[float]) -> dict:
    figures = {
        "pearson": float(stats.pearsonr(targets, predictions).statistic),
        "spearman": float(stats.spearmanr(targets, predictions).statistic),
    }
    defined = {name: None if math.isnan(value) else value for name, value in figures.items()}
    return {"targets": targets, "predictions": predictions, "figures": defined}


def main() -> None:
    draw = random.Random(1)
    binary = [
        classes([1, 1, 0, 0, 1], [1, 0, 0, 1, 1], True),
        classes([1, 1, 1, 0], [1, 1, 1, 1], True),
        classes([0, 0, 0], [0, 0, 0], True),
        classes([1, 1], [0, 0], True),
        classes([0, 1, 0, 1], [1, 0, 1, 0], True),
        classes([1], [1], True),
    ]
    for size in (20, 60):
        targets = [int(draw.random() < 0.7) for _ in range(size)]
        noisy = [t if draw.random() < 0.75 else 1 - t for t in targets]
        binary.append(classes(targets, noisy, True))
    several = [classes([0, 1, 2, 2], [0, 2, 2, 2], False), classes([0, 1, 2], [1, 1, 1], False)]
    targets = [draw.randrange(4) for _ in range(50)]
    noisy = [t if draw.random() < 0.6 else draw.randrange(4) for t in targets]
    several.append(classes(targets, noisy, False))
    # A class that is only predicted, one that is never predicted, one on neither side, and all wrong.
    several.append(classes([0, 0, 1, 1], [0, 3, 1, 1], False))
    several.append(classes([0, 2, 2, 1, 2], [0, 2, 2, 0, 0], False))
    several.append(classes([0, 2, 4, 4], [2, 4, 0, 0], False))
    regression = [
        scores([1.0, 2.0, 3.0, 4.0], [1.5, 1.0, 4.0, 3.5]),
        scores([0.0, 2.5, 2.5, 5.0, 5.0], [0.1, 0.1, 3.0, 3.0, 2.0]),
        scores([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]),
        scores([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]),
        scores([1.0, 2.0, 3.0], [10.0, 100.0, 1000.0]),
        scores([1000000.0, 1000001.0, 1000003.0], [3.0, 2.0, 1.0]),
    ]
    targets = [round(draw.uniform(0, 5) * 5) / 5 for _ in range(40)]
    noisy = [round(t + draw.gauss(0, 1), 2) for t in targets]
    regression.append(scores(targets, noisy))
    document = {"binary": binary, "several": several, "regression": regression}
    lines = ",\n".join(
        '"%s": [\n%s\n]' % (kind, ",\n".join("  " + json.dumps(case) for case in cases))
        for kind, cases in document.items()
    )
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
