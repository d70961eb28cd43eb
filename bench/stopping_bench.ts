/**
 * Simulates the rule that stops a study: how often its verdicts are false, how often they come, and after how many seeds.
 *
 * `deno run -P=bench bench/stopping_bench.ts [REPEATS]`: tables for docs/decisions/verdicts.md. Minutes with the default of
 * 50,000 repeats, which leaves a standard error of 0.1 on 5 %.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { textTable } from "../src/base/text_table.ts";
import {
  planStopping,
  type StoppingOptions,
  type StoppingPlan,
  stoppingState,
  type StoppingVerdict,
} from "../src/stats/stopping.ts";

/** Draws a difference of mean 0 and standard deviation 1. */
type Draw = (stream: RandomStream) => number;

/** Steps of the discrete differences, in standard deviations. */
const step = 0.5;

const distributions: Readonly<Record<string, Draw>> = {
  "normal": (stream) => stream.normal(),
  "heavy tails (t, 3 degrees of freedom)": (stream) => {
    const square = stream.normal() ** 2 + stream.normal() ** 2 + stream.normal() ** 2;
    return stream.normal() / Math.sqrt(square);
  },
  "1 run in 10 collapses": (stream) =>
    stream.next() < 0.1 ? (stream.next() < 0.5 ? -2.6 : 2.6) : stream.normal() * 0.6,
  "discrete (steps of half a deviation)": (stream) => step * Math.round(stream.normal() / step),
  "skewed (exponential)": (stream) => -Math.log(1 - stream.next()) - 1,
};

interface Tally {
  readonly share: (verdict: StoppingVerdict) => number;
  readonly seeds: number;
}

function simulate(plan: StoppingPlan, draw: Draw, mean: number, repeats: number): Tally {
  const stream = RandomStream.fromSeed(18).fork("stopping");
  const counts = { better: 0, worse: 0, equivalent: 0, "not worse": 0, undecided: 0 };
  let seeds = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const differences = Array.from({ length: plan.cap }, () => mean + draw(stream));
    const { verdict, n } = stoppingState(differences, plan);
    counts[verdict]++;
    seeds += n;
  }
  return { share: (verdict) => counts[verdict] / repeats, seeds: seeds / repeats };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The same study with one look, at the cap. */
const fixed = (options: StoppingOptions): StoppingPlan =>
  planStopping({ ...options, block: options.cap });

function rulesOf(options: StoppingOptions): readonly (readonly [string, StoppingPlan])[] {
  return [
    [`fixed, ${options.cap} seeds`, fixed(options)],
    ...(["obrien-fleming", "pocock", "anytime"] as const).map((rule) =>
      [rule, planStopping({ ...options, rule })] as const
    ),
  ];
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

async function main(repeats: number): Promise<void> {
  await say(`${repeats} repeats; unit: one standard deviation of a seed's difference\n`);
  await say("False verdicts. Blocks of 3, at most 30 seeds; of 5, at most 60");
  const errors: string[][] = [];
  for (const [block, cap] of [[3, 30], [5, 60]] as const) {
    // So narrow a margin is never reached: better and worse have the whole study to go wrong in.
    const narrow = rulesOf({ block, cap, margin: 0.01 });
    const wide = rulesOf({ block, cap, margin: 1 });
    for (const [name, draw] of Object.entries(distributions)) {
      for (const [i, [rule, plan]] of narrow.entries()) {
        const equal = simulate(plan, draw, 0, repeats);
        const apart = simulate(wide[i]![1], draw, 1, repeats);
        errors.push([
          String(block),
          name,
          rule,
          percent(equal.share("better") + equal.share("worse")),
          percent(apart.share("equivalent")),
        ]);
      }
    }
  }
  await say(textTable(
    ["block", "differences", "rule", "better or worse at 0", "equivalent at the margin"],
    errors,
  ));
  await say("Verdicts and seeds needed. Blocks of 3, at most 30 seeds, normal differences");
  const verdicts: string[][] = [];
  for (const margin of [0.7, 1]) {
    const options = { block: 3, cap: 30, margin };
    const rules = [
      ["fixed, 12 seeds", fixed({ ...options, cap: 12 })] as const,
      ...rulesOf(options),
    ];
    for (const mean of [0, 0.5, 1, 1.5]) {
      for (const [rule, plan] of rules) {
        const { share, seeds } = simulate(plan, distributions.normal!, mean, repeats);
        verdicts.push([
          String(margin),
          String(mean),
          rule,
          ...(["better", "worse", "equivalent", "undecided"] as const).map((verdict) =>
            percent(share(verdict))
          ),
          seeds.toFixed(1),
        ]);
      }
    }
  }
  await say(textTable(
    ["margin", "mean", "rule", "better", "worse", "equivalent", "undecided", "mean seeds"],
    verdicts,
  ));
  await say("A method against itself. Blocks of 3, at most 30 seeds, rule obrien-fleming");
  const self: string[][] = [];
  for (const margin of [0.5, 0.7, 1]) {
    for (const betterThan of [0, margin]) {
      const plan = planStopping({ block: 3, cap: 30, margin, betterThan });
      for (const [name, draw] of Object.entries(distributions)) {
        const { share, seeds } = simulate(plan, draw, 0, repeats);
        self.push([
          String(margin),
          betterThan === 0 ? "0" : "the margin",
          name,
          percent(share("equivalent") + share("undecided")),
          percent(share("better")),
          percent(share("worse")),
          seeds.toFixed(1),
        ]);
      }
    }
  }
  await say(textTable(
    [
      "margin",
      "better than",
      "differences",
      "equivalent or undecided",
      "better",
      "worse",
      "mean seeds",
    ],
    self,
  ));
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 50_000));
