/**
 * Simulates the rule of convergence: how often it asks for more steps where scores stand still, and how often it does not where they
 * climb.
 *
 * `deno run -P=bench bench/convergence_bench.ts [REPEATS] [GAIN]`: the tables of docs/decisions/convergence.md, for the gain that a
 * study allows (`scoreGain`; default 0.01). A minute with the default of 4,000 repeats, which leaves a standard error of 0.3 on 5 %.
 *
 * @module
 */
import { movementOf } from "../src/analysis/claims/course.ts";
import {
  cellConvergence,
  type Convergence,
  convergenceOf,
  needsMoreSteps,
} from "../src/analysis/run_convergence.ts";
import { RandomStream } from "../src/base/random.ts";
import { textTable } from "../src/base/text_table.ts";
import type { RecordedResult } from "../src/record/types.ts";
import type { ConvergenceRule } from "../src/study/schema/study.ts";

/** Examples of the simulated split: the rule expects a noise of one point an evaluation. */
const examples = 500;

/** A run whose accuracy climbs by so many points a fifth. */
function runOf(climb: number, perFifth: number, noise: number, stream: RandomStream): Convergence {
  const count = 5 * perFifth;
  const happened = {
    outcome: { state: "finished" },
    steps: count,
    primaryMetric: "accuracy",
    examples: { train: 1, splits: { dev: examples } },
    last: { split: "dev" },
  } as unknown as RecordedResult;
  const evaluations = Array.from({ length: count }, (_, i) => ({
    step: i + 1,
    split: "dev",
    loss: 0.5,
    metrics: { accuracy: 0.6 + (climb * i / perFifth + noise * stream.normal()) / 100 },
  }));
  return convergenceOf({ record: { happened }, evaluations });
}

const climbs = [0, 0.9, 1.5, 2] as const;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

/** One table a noise: which share of cells needs more steps. */
async function gates(repeats: number, rule: Partial<ConvergenceRule>): Promise<void> {
  const stream = RandomStream.fromSeed(50).fork("convergence");
  for (const noise of [0.5, 1, 2]) {
    const rows = [3, 6, 12].flatMap((seeds) =>
      [1, 2, 4].map((perFifth) => {
        const shares = climbs.map((climb) => {
          let early = 0;
          for (let repeat = 0; repeat < repeats; repeat++) {
            const runs = Array.from(
              { length: seeds },
              () => runOf(climb, perFifth, noise, stream),
            );
            if (needsMoreSteps(cellConvergence(runs, rule))) early++;
          }
          return early / repeats;
        });
        const [flat, ...missed] = shares;
        return [
          String(seeds),
          String(perFifth),
          percent(flat!),
          ...missed.map((share) => percent(1 - share)),
        ];
      })
    );
    await say(
      `Noise of an evaluation: ${noise} points\n${
        textTable([
          "seeds",
          "evaluations a fifth",
          "flat, gated",
          ...climbs.slice(1).map((climb) => `climbs ${climb}, missed`),
        ], rows)
      }\n`,
    );
  }
}

/** Looks at three, six, nine and twelve seeds, as a sweep that adds seeds while a cell may be noise. */
async function sequential(repeats: number, rule: Partial<ConvergenceRule>): Promise<void> {
  const stream = RandomStream.fromSeed(51).fork("convergence");
  const rows = [0, 0.5, ...climbs.slice(1)].map((climb) => {
    const ends = { open: 0, gated: 0, seeds: 0 };
    for (let repeat = 0; repeat < repeats; repeat++) {
      const runs: Convergence[] = [];
      for (let look = 3; look <= 12; look += 3) {
        while (runs.length < look) runs.push(runOf(climb, 2, 1, stream));
        const cell = cellConvergence(runs, rule);
        const isEarly = needsMoreSteps(cell);
        if (isEarly && cell.isNoisy && look < 12) continue;
        ends[isEarly ? "gated" : "open"]++;
        ends.seeds += look;
        break;
      }
    }
    return [
      String(climb),
      percent(ends.gated / repeats),
      percent(ends.open / repeats),
      (ends.seeds / repeats).toFixed(1),
    ];
  });
  await say(
    `Two evaluations a fifth, noise 1 point, seeds added while the gate may be noise\n${
      textTable(["climbs, points a fifth", "needs more steps", "open", "seeds (mean)"], rows)
    }`,
  );
}

/** How often a claim waits for its difference, by how much that truly moves in the last fifth. */
async function differences(repeats: number): Promise<void> {
  const stream = RandomStream.fromSeed(52).fork("convergence");
  const rows = [0.25, 0.5, 1].flatMap((spread) =>
    [3, 6, 12].map((seeds) => [
      String(spread),
      String(seeds),
      ...[0, 1 / 3, 2 / 3, 1].map((moved) => {
        let waits = 0;
        for (let repeat = 0; repeat < repeats; repeat++) {
          const values = Array.from({ length: seeds }, () => moved + spread * stream.normal());
          if (movementOf(values)!.isMoving) waits++;
        }
        return percent(waits / repeats);
      }),
    ])
  );
  await say(
    `The difference of a claim, in margins: studies that wait, by how much it truly moves\n${
      textTable(["sd of a seed", "seeds", "0", "1/3", "2/3", "1"], rows)
    }`,
  );
}

if (import.meta.main) {
  const repeats = Number(Deno.args[0] ?? 4000);
  const rule = Deno.args[1] === undefined ? {} : { scoreGain: Number(Deno.args[1]) };
  await gates(repeats, rule);
  await sequential(repeats, rule);
  await differences(repeats);
}
