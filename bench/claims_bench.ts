/**
 * Simulates studies of a method against itself under two names, through the verdicts that reports give.
 *
 * `deno run -P=bench bench/claims_bench.ts [REPEATS]`: a table for docs/decisions/verdicts.md. A minute with the default of 2,000
 * repeats, which leaves a standard error of 0.5 points on 5 %.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { textTable } from "../src/base/text_table.ts";
import { type Answer, ruleOf, verdictsOf } from "../src/analysis/claims/verdict.ts";
import type { StoppingPlan } from "../src/stats/stopping.ts";
import type { ClaimSays } from "../src/study/schema/claims.ts";
import { simulatedStudy } from "./simulated_claims.ts";

const answers = ["supported", "refuted", "equivalent", "undecided"] as const;

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function main(repeats: number): Promise<void> {
  const rows: string[][] = [];
  for (
    const says of ["better", "equivalent", "not worse"] as const satisfies readonly ClaimSays[]
  ) {
    for (const betterThan of ["margin", 0] as const) {
      for (const points of [0, 1, 2, 3]) {
        const stream = RandomStream.fromSeed(18).fork("claims");
        const counts = new Map<Answer, number>();
        let seeds = 0;
        let rule: StoppingPlan | null = null;
        for (let repeat = 0; repeat < repeats; repeat++) {
          const { study, planned, runs } = simulatedStudy(stream, { says, betterThan, points });
          rule ??= ruleOf(study);
          const [verdict] = verdictsOf(study, planned, runs, {}, rule);
          counts.set(verdict!.answer, (counts.get(verdict!.answer) ?? 0) + 1);
          seeds += verdict!.state.n;
        }
        rows.push([
          says,
          String(betterThan),
          String(points),
          ...answers.map((answer) => percent((counts.get(answer) ?? 0) / repeats)),
          (seeds / repeats).toFixed(1),
        ]);
      }
    }
  }
  await say(textTable(
    ["says", "better than", "true points", ...answers, "mean seeds"],
    rows,
  ));
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 2000));
