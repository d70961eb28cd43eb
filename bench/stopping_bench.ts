/**
 * Simulates the rules that stop a study: how often their verdicts are false, how often they come, and after how many seeds.
 *
 * `deno run -P=bench bench/stopping_bench.ts [REPEATS]`: tables for docs/decisions/verdicts.md, beside those that it has. Minutes with the default of
 * 20,000 repeats, which leaves a standard error of 0.15 on 5 %.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { besideDocs } from "./documented.ts";
import { isSkewed } from "../src/stats/statistics.ts";
import { meanOf } from "../src/stats/statistics.ts";
import { stoppedMean } from "../src/stats/stopped_mean.ts";
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

const exponential: Draw = (stream) => -Math.log(1 - stream.next()) - 1;

const distributions: Readonly<Record<string, Draw>> = {
  "normal": (stream) => stream.normal(),
  "heavy tails (t, 3 df)": (stream) => {
    const square = stream.normal() ** 2 + stream.normal() ** 2 + stream.normal() ** 2;
    return stream.normal() / Math.sqrt(square);
  },
  "1 run in 10 collapses": (stream) =>
    stream.next() < 0.1 ? (stream.next() < 0.5 ? -2.6 : 2.6) : stream.normal() * 0.6,
  "discrete (steps of ½)": (stream) => step * Math.round(stream.normal() / step),
  "skewed to the right": exponential,
  "skewed to the left": (stream) => -exponential(stream),
};

/** Medians of those whose mean, 0, is not theirs. */
const medians: Readonly<Record<string, number>> = {
  "skewed to the right": Math.LN2 - 1,
  "skewed to the left": 1 - Math.LN2,
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

/** How often a sample is warned of. */
function skewedShare(draw: Draw, n: number, repeats: number): number {
  const stream = RandomStream.fromSeed(18).fork("skewness");
  let warned = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    if (isSkewed(Array.from({ length: n }, () => draw(stream)))) warned++;
  }
  return warned / repeats;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The same study with one look, at the cap. */
const fixed = (options: StoppingOptions): StoppingPlan =>
  planStopping({ ...options, block: options.cap });

function rulesOf(options: StoppingOptions): readonly (readonly [string, StoppingPlan])[] {
  return [
    ["fixed", fixed(options)],
    ...(["obrien-fleming", "pocock", "anytime", "sign"] as const).map((rule) =>
      [rule, planStopping({ ...options, rule })] as const
    ),
  ];
}

/** A table of docs/decisions/verdicts.md. */
interface Table {
  readonly title: string;
  readonly headings: readonly string[];
  /** Columns at the start that name a row. */
  readonly keys: number;
  readonly rows: readonly (readonly string[])[];
}

function falseVerdicts(repeats: number): Table {
  const margin = 1;
  // So narrow a margin is never reached: better and worse have the whole study to go wrong in.
  const narrow = 0.01;
  const studies = [{ block: 3, cap: 30 }, { block: 5, cap: 60 }];
  const plans = studies.map((study) => ({
    narrow: rulesOf({ ...study, margin: narrow }),
    byMargin: rulesOf({ ...study, margin, betterThan: margin }),
    byZero: rulesOf({ ...study, margin }),
  }));
  const rowOf = (name: string, draw: Draw, rule: string, i: number, centre: number) => {
    const [small, large] = plans.map((own) => {
      const at = (plans: ReturnType<typeof rulesOf>, mean: number) =>
        simulate(plans[i]![1], draw, mean - centre, repeats).share;
      const equal = at(own.narrow, 0);
      const apart = at(own.byMargin, margin);
      return {
        equal: equal("better") + equal("worse"),
        equivalent: apart("equivalent"),
        better: apart("better"),
        byZero: at(own.byZero, margin)("equivalent"),
      };
    });
    return [
      name,
      rule,
      ...[
        small!.equal,
        small!.equivalent,
        small!.better,
        small!.equivalent + small!.better,
        small!.byZero,
        large!.equal,
        large!.equivalent + large!.better,
      ].map(percent),
    ];
  };
  return {
    title: "False verdicts. Blocks of 3, at most 30 seeds; of 5, at most 60",
    headings: [
      "differences",
      "rule",
      "at 0",
      "equivalent",
      "better",
      "either",
      "equivalent, bar 0",
      "at 0 (60)",
      "either (60)",
    ],
    keys: 2,
    rows: Object.entries(distributions).flatMap(([name, draw]) =>
      plans[0]!.narrow.flatMap(([rule, plan], i) => {
        const median = medians[name];
        if (plan.rule !== "sign" || median === undefined) return [rowOf(name, draw, rule, i, 0)];
        return [
          rowOf(name, draw, rule, i, median),
          rowOf(name, draw, `${rule}, of the mean`, i, 0),
        ];
      })
    ),
  };
}

function decisions(repeats: number): Table {
  const rows = [0.7, 0].flatMap((betterThan) => {
    const options = { block: 3, cap: 30, margin: 0.7, betterThan };
    const rules = [
      ["fixed, 12 seeds", fixed({ ...options, cap: 12 })] as const,
      ...rulesOf(options),
    ];
    return [0, 0.5, 1, 1.5].flatMap((mean) =>
      rules.map(([rule, plan]) => {
        const { share, seeds } = simulate(plan, distributions.normal!, mean, repeats);
        return [
          betterThan === 0 ? "0" : "the margin",
          String(mean),
          rule,
          ...(["better", "worse", "equivalent", "undecided"] as const).map((verdict) =>
            percent(share(verdict))
          ),
          seeds.toFixed(1),
        ];
      })
    );
  });
  return {
    title:
      "Verdicts and seeds needed. Blocks of 3, at most 30 seeds, normal differences, margin 0.7",
    headings: [
      "better than",
      "true difference",
      "rule",
      "better",
      "worse",
      "equivalent",
      "undecided",
      "mean seeds",
    ],
    keys: 3,
    rows,
  };
}

function warnings(repeats: number): Table {
  const sizes = [6, 12, 30];
  return {
    title: "Warnings of skewness",
    headings: ["differences", ...sizes.map((n) => `${n} seeds`)],
    keys: 1,
    rows: Object.entries(distributions).map(([name, draw]) => [
      name,
      ...sizes.map((n) => percent(skewedShare(draw, n, repeats))),
    ]),
  };
}

function itself(repeats: number): Table {
  // Either run could have been the other, so that the differences are symmetric.
  const symmetric = Object.entries(distributions).filter(([name]) => !(name in medians));
  const rows = [0.5, 0.7, 1].flatMap((margin) =>
    [0, margin].flatMap((betterThan) => {
      const plan = planStopping({ block: 3, cap: 30, margin, betterThan });
      return symmetric.map(([name, draw]) => {
        const { share, seeds } = simulate(plan, draw, 0, repeats);
        return [
          String(margin),
          betterThan === 0 ? "0" : "the margin",
          name,
          percent(share("equivalent") + share("undecided")),
          percent(share("better")),
          percent(share("worse")),
          seeds.toFixed(1),
        ];
      });
    })
  );
  return {
    title: "A method against itself. Blocks of 3, at most 30 seeds, rule obrien-fleming",
    headings: [
      "margin",
      "better than",
      "differences",
      "equivalent or undecided",
      "better",
      "worse",
      "mean seeds",
    ],
    keys: 3,
    rows,
  };
}

/** Mean and median of the estimates, and how often they lie above the true mean, in percent of it. */
function biasText(estimates: readonly number[], mean: number): readonly string[] {
  const share = (value: number) =>
    `${value < mean ? "−" : "+"}${percent(Math.abs(value / mean - 1))}`;
  return [
    share(meanOf(estimates)),
    share(estimates.toSorted((a, b) => a - b)[Math.floor(estimates.length / 2)]!),
    percent(estimates.filter((value) => value > mean).length / estimates.length),
  ];
}

function estimates(repeats: number): Table {
  const options = { block: 3, cap: 30, margin: 0.7 };
  const rows = (["obrien-fleming", "pocock"] as const).flatMap((rule) => {
    const plan = planStopping({ ...options, rule });
    return [0.3, 0.5, 1].flatMap((mean) => {
      const stream = RandomStream.fromSeed(18).fork("estimates");
      // An estimate takes milliseconds.
      const ends = Array.from({ length: Math.ceil(repeats / 5) }, () => {
        const differences = Array.from({ length: plan.cap }, () => mean + stream.normal());
        const { verdict, n, mean: raw } = stoppingState(differences, plan);
        return {
          verdict,
          raw: raw!,
          unbiased: stoppedMean(differences.slice(0, n), plan, verdict)!,
        };
      });
      return (["all", "called better"] as const).flatMap((among) => {
        const own = ends.filter(({ verdict }) => among === "all" || verdict === "better");
        return (["raw", "unbiased"] as const).map((kind) => [
          rule,
          String(mean),
          among,
          kind === "raw" ? "raw mean" : "after stopping",
          ...biasText(own.map((end) => end[kind]), mean),
        ]);
      });
    });
  });
  return {
    title: "Estimates after stopping. Blocks of 3, at most 30 seeds, better than 0, margin 0.7",
    headings: ["rule", "true difference", "among", "estimate", "mean", "median", "above the truth"],
    keys: 4,
    rows,
  };
}

const page = new URL("../docs/decisions/verdicts.md", import.meta.url);

async function main(repeats: number): Promise<void> {
  const text = await Deno.readTextFile(page);
  const say = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
  await say(
    `${repeats} repeats; unit: one standard deviation of a seed's difference; in brackets what the page says\n`,
  );
  for (const table of [falseVerdicts, decisions, warnings, itself, estimates]) {
    const { title, headings, keys, rows } = table(repeats);
    await say(title);
    await say(besideDocs(headings, rows, keys, text));
  }
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 20_000));
