/** Evaluations of the rows of golden files, on the native executor. */
import { nativeExecutor } from "../../src/exec/native.ts";
import { makeBatch } from "../../src/tasks/batches.ts";
import type { Task } from "../../src/tasks/types.ts";
import type { Assembly } from "../../src/train/assemble.ts";
import { evaluateSplit, type Evaluation } from "../../src/train/evaluate.ts";
import { flatten } from "../../src/train/slots.ts";
import type { GoldenTokens } from "../models/golden_tokens.ts";
import { tinyTask } from "./fixture.ts";

const executor = await nativeExecutor(1);

/** What three golden rows are evaluated to, without their padding, out of order and in batches of two sizes. */
export async function evaluated(
  assembly: Assembly,
  task: Pick<Task, "output" | "metrics">,
  { length, ids, types, mask, targets }: GoldenTokens & { readonly targets: readonly number[] },
  numbersOf: (name: string, size: number) => ArrayLike<number>,
  padId = 0,
): Promise<Evaluation> {
  const encoded = targets.map((_, row) => {
    const own = (values: readonly number[]) =>
      Int32Array.from(
        values.slice(row * length, (row + 1) * length)
          .filter((_, i) => mask[row * length + i] === 1),
      );
    return { ids: own(ids), types: own(types) };
  });
  const data = flatten(assembly.layout, ({ name, size }) => numbersOf(name, size));
  const theta = { type: "f32", shape: [data.length], data } as const;
  const evaluate = await executor.load(assembly.evaluationProgram);
  const batches = [[2, 0], [1]].map((rows) => makeBatch(encoded, targets, rows, padId));
  const split = { name: "dev", batches, targets, ids: [0, 1, 2] };
  const found = await evaluateSplit({ assembly, evaluate }, theta, { ...tinyTask, ...task }, split);
  await evaluate.release();
  return found;
}
