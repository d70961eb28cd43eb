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
import { type Answer, verdictsOf } from "../src/analysis/claims/verdict.ts";
import type { ClaimSays } from "../src/study/schema/claims.ts";
import { type SimulatedOptions, simulatedStudy } from "./simulated_claims.ts";

const answers = ["supported", "refuted", "equivalent", "undecided"] as const;

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** How often each answer is given, and after how many seeds. */
function tally(repeats: number, options: SimulatedOptions) {
  const stream = RandomStream.fromSeed(18).fork("claims");
  const counts = new Map<Answer, number>();
  let seeds = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { study, planned, runs } = simulatedStudy(stream, options);
    const [verdict] = verdictsOf(study, planned, runs);
    counts.set(verdict!.answer, (counts.get(verdict!.answer) ?? 0) + 1);
    seeds += verdict!.state.n;
  }
  return {
    share: (answer: Answer) => (counts.get(answer) ?? 0) / repeats,
    seeds: seeds / repeats,
  };
}

async function main(repeats: number): Promise<void> {
  const rows: string[][] = [];
  for (
    const says of ["better", "equivalent", "not worse"] as const satisfies readonly ClaimSays[]
  ) {
    for (const betterThan of ["margin", 0] as const) {
      for (const points of [0, 1, 2, 3]) {
        const { share, seeds } = tally(repeats, { says, betterThan, points: [points, points] });
        rows.push([
          says,
          String(betterThan),
          String(points),
          ...answers.map((answer) => percent(share(answer))),
          seeds.toFixed(1),
        ]);
      }
    }
  }
  await say(textTable(
    ["says", "better than", "true points", ...answers, "mean seeds"],
    rows,
  ));
  await say("Two tasks whose true differences are not the same");
  const unlike: string[][] = [];
  for (const on of ["average", "every task"] as const) {
    for (const says of ["better", "equivalent"] as const) {
      for (const apart of [[0, 0], [2, 2], [-0.5, 0.5], [-3, 3], [0, 4], [1, 3]] as const) {
        const { share, seeds } = tally(repeats, { says, on, points: apart });
        unlike.push([
          on,
          says,
          apart.join(", "),
          ...[...answers, "tasks disagree" as const].map((answer) => percent(share(answer))),
          seeds.toFixed(1),
        ]);
      }
    }
  }
  await say(textTable(
    ["on", "says", "true points", ...answers, "tasks disagree", "mean seeds"],
    unlike,
  ));
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 2000));
