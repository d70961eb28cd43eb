"""Figures of transformers' linear and constant schedules with warm-up, for tests/study/total_steps_test.ts.

Takes the two schedule functions out of transformers/optimization.py, so that torch is not needed:
    pip install --no-deps transformers==5.23.0 && python learning_rate.py > learning_rate.json
"""

import ast
import importlib.metadata
import importlib.util
import json
import pathlib

NAMES = {
    "linear": "_get_linear_schedule_with_warmup_lr_lambda",
    "constant": "_get_constant_schedule_with_warmup_lr_lambda",
}
# (warm-up steps, all steps)
CASES = [(0, 5), (1, 7), (6, 100), (60, 1000), (1000, 1160), (1000, 1950)]


def schedules():
    package = pathlib.Path(importlib.util.find_spec("transformers").origin).parent
    tree = ast.parse((package / "optimization.py").read_text())
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in NAMES.values()]
    space = {}
    exec(compile(ast.Module(functions, []), "optimization.py", "exec"), space)
    return {schedule: space[name] for schedule, name in NAMES.items()}


def steps(warmup, total):
    wanted = {0, 1, warmup - 1, warmup, warmup + 1, (warmup + total) // 2, total - 1}
    return sorted(step for step in wanted if 0 <= step < total)


def main():
    functions = schedules()
    rows = []
    for warmup, total in CASES:
        for step in steps(warmup, total):
            rows.append({
                "warmup": warmup,
                "total": total,
                "step": step,
                "linear": functions["linear"](step, num_warmup_steps=warmup, num_training_steps=total),
                "constant": functions["constant"](step, num_warmup_steps=warmup),
            })
    print(json.dumps({"transformers": importlib.metadata.version("transformers"), "rows": rows}, indent=1))


main()
