/**
 * Simulates how often the interval over other seeds and other examples covers the true difference, beside two that do not, and how
 * often claims over both are decided falsely.
 *
 * `deno run -P=bench bench/coverage_bench.ts [REPEATS]`: tables for docs/decisions/verdicts.md. Minutes with the default of 2,000
 * repeats, which leaves a standard error of 0.5 points on 95 %; of metrics other than accuracy a quarter of these.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { textTable } from "../src/base/text_table.ts";
import { upperQuantile } from "../src/stats/distributions.ts";
import { meanOf } from "../src/stats/statistics.ts";
import { planStopping, stoppingState } from "../src/stats/stopping.ts";
import { repeatedMeasures } from "../src/stats/repeated_measures.ts";
import { chanceOfConditions, exampleNoise, twoWayInterval } from "../src/stats/two_way.ts";
import { exampleGroups, influenceOf, scorerOf } from "../src/analysis/example_scores.ts";

/** A study of two methods that are equally good over all seeds and examples. */
export interface SimulatedStudy {
  readonly seeds: number;
  readonly examples: number;
  /** Standard deviation over seeds of the difference between two accuracies on all examples there could be. */
  readonly sd: number;
}

/** Share of examples on which one method alone is right, mostly the same one with every seed; and of those that differ from seed to seed. */
const apart = { always: 0.06, bySeed: 0.1 } as const;

/** 1 where only the first method is right, −1 where only the second is, as `[seed][example]`. */
function drawn(stream: RandomStream, { seeds, examples, sd }: SimulatedStudy): number[][] {
  const common = Array.from(
    { length: examples },
    () => stream.next() < apart.always ? (stream.next() < 0.5 ? 1 : -1) : 0,
  );
  return Array.from({ length: seeds }, () => {
    // A seed's effect turns that share of its examples: never more than there are.
    const effect = Math.max(-0.8, Math.min(0.8, sd * stream.normal()));
    return common.map((own) => {
      if (stream.next() < Math.abs(effect)) return Math.sign(effect);
      return stream.next() < apart.bySeed ? (stream.next() < 0.5 ? 1 : -1) : own;
    });
  });
}

/** The differences of accuracies with what examples add to them, or those of another metric of two classes. */
function influenceIn(stream: RandomStream, differences: number[][], metric: string) {
  if (metric === "accuracy") return { values: differences.map(meanOf), influence: differences };
  const examples = differences[0]!.length;
  // Two of three texts are of class 0; where the methods agree, both are right on seven texts of ten.
  const targets = Array.from({ length: examples }, () => Number(stream.next() < 1 / 3));
  const agreed = targets.map(() => stream.next() < 0.7);
  const scoreOf = (sign: 1 | -1) =>
    scorerOf(
      metric,
      differences.map((own) =>
        own.map((difference, e) => {
          const isRight = difference === 0 ? agreed[e]! : difference === sign;
          return { target: targets[e]!, prediction: isRight ? targets[e]! : 1 - targets[e]! };
        })
      ),
    )!;
  const [first, second] = [scoreOf(1), scoreOf(-1)];
  const all = targets.map((_, e) => e);
  const groups = exampleGroups(examples);
  const of = (seed: number) => (some: readonly number[]) => first(seed, some) - second(seed, some);
  return {
    values: differences.map((_, seed) => of(seed)(all)),
    influence: differences.map((_, seed) => influenceOf(of(seed), examples, groups)),
  };
}

/** How often intervals at 95 % cover, and how wide they are on average. */
export interface Coverage {
  readonly covered: number;
  readonly width: number;
  /** Share covered by one t with Satterthwaite's degrees of freedom for the summed variance. */
  readonly satterthwaite: number;
  /** Share covered by the t interval over seeds, which takes the examples as they are. */
  readonly seedsAlone: number;
}

/** Simulates studies of one kind. */
export function coverageOf(
  study: SimulatedStudy,
  repeats: number,
  metric = "accuracy",
): Coverage {
  const stream = RandomStream.fromSeed(26).fork("coverage");
  let [covered, width, satterthwaite, seedsAlone] = [0, 0, 0, 0];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { values, influence } = influenceIn(stream, drawn(stream, study), metric);
    const found = twoWayInterval(values, influence)!;
    const { mean, low, high, seedError, exampleError } = found;
    covered += Number(low <= 0 && high >= 0);
    width += high - low;
    const between = seedError ** 2;
    const among = exampleError ** 2;
    const total = between + among;
    const freedom = total ** 2 /
      (between ** 2 / (study.seeds - 1) + among ** 2 / (influence[0]!.length - 1));
    const within = (half: number) => Number(Math.abs(mean) <= half);
    satterthwaite += within(total === 0 ? 0 : upperQuantile(0.025, freedom) * Math.sqrt(total));
    seedsAlone += within(upperQuantile(0.025, study.seeds - 1) * seedError);
  }
  const share = (sum: number) => sum / repeats;
  return {
    covered: share(covered),
    width: share(width),
    satterthwaite: share(satterthwaite),
    seedsAlone: share(seedsAlone),
  };
}

/** How often a claim over seeds and examples is decided falsely, and over seeds alone where that is judged by the same truth. */
export interface FalseVerdicts {
  /** Better or worse of equal methods, over seeds and examples. */
  readonly both: number;
  /** Equivalent within a margin by which the methods differ, over both. */
  readonly equivalent: number;
  /** Better or worse of equal methods, over seeds alone. */
  readonly seedsAlone: number;
}

/** Applies a rule with looks after every 3 of at most 30 seeds to studies of normal effects with 200 groups of examples. */
export function falseVerdicts(
  rule: "obrien-fleming" | "pocock",
  sd: { readonly seeds: number; readonly examples: number },
  repeats: number,
): FalseVerdicts {
  const stream = RandomStream.fromSeed(26).fork("looks");
  // So narrow a margin is never reached: better and worse have the whole study to go wrong in.
  const narrow = planStopping({ block: 3, cap: 30, margin: 1e-9, rule });
  const groups = 200;
  const margin = 1.5 * Math.hypot(sd.seeds / Math.sqrt(30), sd.examples / Math.sqrt(groups), 0.05);
  const wide = { ...narrow, margin };
  const counts = { both: 0, equivalent: 0, seedsAlone: 0 };
  for (let repeat = 0; repeat < repeats; repeat++) {
    const common = stream.normals(groups, sd.examples);
    const influence = Array.from({ length: 30 }, () => {
      const own = sd.seeds * stream.normal();
      return Array.from(stream.normals(groups), (noise, e) => own + common[e]! + noise);
    });
    const values = influence.map(meanOf);
    const known = new Map(
      narrow.looks.map((n) => [n, exampleNoise(influence.slice(0, n))!] as const),
    );
    const noiseAt = (n: number) => known.get(n)!;
    const isFalse = (verdict: string) => Number(verdict === "better" || verdict === "worse");
    counts.both += isFalse(stoppingState(values, narrow, noiseAt).verdict);
    counts.seedsAlone += isFalse(stoppingState(values, narrow).verdict);
    const apart = stoppingState(values.map((value) => value + margin), wide, noiseAt);
    counts.equivalent += Number(apart.verdict === "equivalent");
  }
  return {
    both: counts.both / repeats,
    equivalent: counts.equivalent / repeats,
    seedsAlone: counts.seedsAlone / repeats,
  };
}

/** How often tasks of one true difference are said to differ at 5 %. */
export interface FalseDisagreements {
  /** By the test over seeds and examples. */
  readonly both: number;
  /** By the test over seeds alone. */
  readonly seedsAlone: number;
}

/** Tests tasks whose true differences are the same, with 200 groups of examples each. */
export function falseDisagreements(
  tasks: number,
  seeds: number,
  sd: { readonly seeds: number; readonly examples: number },
  repeats: number,
): FalseDisagreements {
  const stream = RandomStream.fromSeed(26).fork("tasks");
  const groups = 200;
  const counts = { both: 0, seedsAlone: 0 };
  for (let repeat = 0; repeat < repeats; repeat++) {
    const found = Array.from({ length: tasks }, () => {
      const common = stream.normals(groups, sd.examples);
      const influence = Array.from({ length: seeds }, () => {
        const own = sd.seeds * stream.normal();
        return Array.from(stream.normals(groups), (noise, e) => own + common[e]! + noise);
      });
      return { means: influence.map(meanOf), noise: exampleNoise(influence)! };
    });
    const blocks = Array.from({ length: seeds }, (_, s) => found.map(({ means }) => means[s]!));
    const both = chanceOfConditions(blocks, found.map(({ noise }) => noise))!;
    counts.both += Number(both < 0.05);
    counts.seedsAlone += Number(repeatedMeasures(blocks)!.p < 0.05);
  }
  return { both: counts.both / repeats, seedsAlone: counts.seedsAlone / repeats };
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

function rowOf(metric: string, study: SimulatedStudy, repeats: number): string[] {
  const found = coverageOf(study, repeats, metric);
  return [
    metric,
    ...[study.seeds, study.examples, 100 * study.sd].map(String),
    percent(found.covered),
    (100 * found.width).toFixed(1),
    percent(found.satterthwaite),
    percent(found.seedsAlone),
  ];
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

/** Standard deviations of seeds' and examples' effects; the noise of a group of examples with one seed is 1. */
const shares = [[0, 1], [0.1, 1], [0.1, 0.3], [0.3, 1], [0.3, 0.3], [1, 1], [1, 0]] as const;

/** Those of the test of tasks. */
const taskShares = [[0.1, 1], [0.3, 1], [1, 1]] as const;

async function main(repeats: number): Promise<void> {
  await say("False verdicts of claims, looks after every 3 of at most 30 seeds");
  const looks = (["obrien-fleming", "pocock"] as const).flatMap((rule) =>
    shares.map(([seeds, examples]) => {
      const found = falseVerdicts(rule, { seeds, examples }, repeats);
      return [
        ...[rule, seeds, examples].map(String),
        ...[found.both, found.equivalent, found.seedsAlone].map(percent),
      ];
    })
  );
  const titles = ["better or worse at 0", "equivalent at the margin", "at 0, over seeds alone"];
  await say(textTable(["rule", "sd of seeds", "of examples", ...titles], looks));
  await say("Tasks of one true difference that are said to differ");
  const disagreements = [2, 3, 8].flatMap((tasks) =>
    [3, 12, 30].flatMap((seeds) =>
      taskShares.map(([ofSeeds, ofExamples]) => {
        const sd = { seeds: ofSeeds, examples: ofExamples };
        const found = falseDisagreements(tasks, seeds, sd, repeats);
        return [
          ...[tasks, seeds, ofSeeds, ofExamples].map(String),
          ...[found.both, found.seedsAlone].map(percent),
        ];
      })
    )
  );
  const differ = ["over seeds and examples", "over seeds alone"];
  await say(
    textTable(["tasks", "seeds", "sd of seeds", "sd of examples", ...differ], disagreements),
  );
  await say("Intervals at 95 %");
  const studies = [2, 3, 6, 12].flatMap((seeds) =>
    [100, 400, 2000].flatMap((examples) => [0.01, 0.05, 0.1].map((sd) => ({ seeds, examples, sd })))
  );
  const few = studies.filter(({ seeds, examples }) => seeds % 3 === 0 && examples === 400);
  const rows = [
    ...studies.map((study) => rowOf("accuracy", study, repeats)),
    ...["matthews", "f1"].flatMap((metric) =>
      few.map((study) => rowOf(metric, study, repeats / 4))
    ),
  ];
  const title = ["metric", "seeds", "examples", "sd of seeds, points", "covered", "width, points"];
  await say(textTable([...title, "Satterthwaite", "seeds alone"], rows));
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 2000));
