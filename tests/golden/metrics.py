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

import numpy as np
from scipy import stats
from scipy.special import softmax
from sklearn import metrics
from sklearn.calibration import calibration_curve

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
        "mae": float(metrics.mean_absolute_error(targets, predictions)),
        "rmse": float(metrics.root_mean_squared_error(targets, predictions)),
        "r2": float(metrics.r2_score(targets, predictions)),
    }
    defined = {name: None if math.isnan(value) else value for name, value in figures.items()}
    return {"targets": targets, "predictions": predictions, "figures": defined}


def calibration_error(right: np.ndarray, confidence: np.ndarray) -> float:
    """The bins of calibration_curve, each weighted by its number of rows."""
    of_right, of_confidence = calibration_curve(right, confidence, n_bins=15)
    edges = np.linspace(0, 1, 16)
    rows = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=15)
    return float((np.abs(of_right - of_confidence) * rows[rows > 0]).sum() / len(right))


def chances(targets: list[int], logits: list[list[float]]) -> dict:
    shares = softmax(np.array(logits), axis=1)
    predictions = shares.argmax(axis=1)
    labels = list(range(shares.shape[1]))
    figures = {
        "logLoss": float(metrics.log_loss(targets, shares, labels=labels)),
        "brier": float(metrics.brier_score_loss(targets, shares, labels=labels))
        if len(labels) > 2
        else float(metrics.brier_score_loss(targets, shares[:, 1], pos_label=1)),
        "ece": calibration_error(predictions == np.array(targets), shares.max(axis=1)),
    }
    if len(labels) == 2:
        figures["averagePrecision"] = float(metrics.average_precision_score(targets, shares[:, 1]))
        # Not defined by scikit-learn where all rows are of one class.
        if len(set(targets)) == 2:
            figures["auroc"] = float(metrics.roc_auc_score(targets, shares[:, 1]))
    return {
        "targets": targets,
        "predictions": predictions.tolist(),
        "logits": logits,
        "figures": figures,
    }


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
    probabilities = [
        chances([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]]),
        # Ties of probability across classes, and probabilities so near 0 that they count as the least one.
        chances([0, 1, 1, 0, 1, 0], [[0, 1], [0, 1], [0, 1], [1, 0], [1, 0], [2, 1]]),
        chances([1, 0, 1], [[60, 0], [0, 60], [0, 60]]),
        chances([0, 0, 0], [[1, 0], [0, 2], [0.5, 0]]),
        chances([1, 1], [[1, 0], [0, 2]]),
    ]
    for size, classes_of in ((40, 2), (60, 2), (50, 4)):
        targets = [draw.randrange(classes_of) for _ in range(size)]
        logits = [
            [round(draw.gauss(1.2 if k == t else 0, 1), 3) for k in range(classes_of)]
            for t in targets
        ]
        probabilities.append(chances(targets, logits))
    document = {
        "binary": binary,
        "several": several,
        "regression": regression,
        "probabilities": probabilities,
    }
    lines = ",\n".join(
        '"%s": [\n%s\n]' % (kind, ",\n".join("  " + json.dumps(case) for case in cases))
        for kind, cases in document.items()
    )
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
