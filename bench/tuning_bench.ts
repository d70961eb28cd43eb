/**
 * Simulates what the noise of tuning does to a comparison: two methods of one response curve are tuned apart and then compared.
 *
 * `deno run -P=bench bench/tuning_bench.ts [REPEATS]`: tables for docs/decisions/tuning.md. Half a minute with the default of 20,000
 * repeats, which leaves a standard error of at most 0.4 on shares in percent.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { textTable } from "../src/base/text_table.ts";
import { pooledDifferences } from "../src/stats/pooled_pairs.ts";
import { meanOf, summarise, type Summary } from "../src/stats/statistics.ts";

/** Rates that are tried, a step of the grid apart. */
const rates = [0, 1, 2, 3, 4] as const;

/** Standard deviation of a score over seeds, in points: of a trial, and of a run of the study. */
const noise = 1;

/** Points that a rate one step beside the best costs: twice the step costs four times as much. */
const curves: Readonly<Record<string, number>> = { flat: 0.5, medium: 1, steep: 2 };

const studySeeds = 12;

interface Tuning {
  readonly chosen: number;
  /** By rate and seed. */
  readonly scores: readonly (readonly number[])[];
}

const meanAt = (drop: number, best: number, rate: number) => -drop * (rate - best) ** 2;

function tuned(stream: RandomStream, drop: number, best: number, seeds: number): Tuning {
  const scores = rates.map((rate) =>
    Array.from({ length: seeds }, () => meanAt(drop, best, rate) + noise * stream.normal())
  );
  const means = scores.map(meanOf);
  return { chosen: means.indexOf(Math.max(...means)), scores };
}

/** Whether the 95 % interval of paired differences lies on one side of zero: which, or 0. */
function sideOf({ low, high }: Summary): number {
  return low! > 0 ? 1 : high! < 0 ? -1 : 0;
}

/** A rate and its neighbours. */
const around = (rate: number) =>
  [rate - 1, rate, rate + 1].filter((at) => at >= 0 && at < rates.length);

/** Whether trials at all rates around the chosen ones say the same as the study. */
function isRobust(a: Tuning, b: Tuning, side: number): boolean {
  const [ours, theirs] = [around(a.chosen), around(b.chosen)];
  const pairs = ours.flatMap((i) => theirs.map((j) => [i, j] as const));
  const found = pooledDifferences(
    pairs.map(([i, j]) => [a.scores[i]!, b.scores[j]!]),
    [ours.length, theirs.length],
  );
  return pairs.every(([i, j], at) =>
    i === a.chosen && j === b.chosen || sideOf(found[at]!) === side
  );
}

interface Shares {
  readonly differ: number;
  readonly covers: number;
  readonly decided: number;
  readonly robust: number | null;
}

/** @param ahead Points by which one method is better at every rate. */
function simulate(drop: number, seeds: number, ahead: number, repeats: number): Shares {
  const stream = RandomStream.fromSeed(26).fork("tuning");
  let [differ, covers, decided, robust] = [0, 0, 0, 0];
  for (let repeat = 0; repeat < repeats; repeat++) {
    // The best rate seldom lies on the grid.
    const best = 1.5 + stream.next();
    const [plain, b] = [tuned(stream, drop, best, seeds), tuned(stream, drop, best, seeds)];
    const a = {
      ...plain,
      scores: plain.scores.map((own) => own.map((score) => score + ahead)),
    };
    const apart = ahead + meanAt(drop, best, a.chosen) - meanAt(drop, best, b.chosen);
    const differences = Array.from(
      { length: studySeeds },
      () => apart + noise * Math.SQRT2 * stream.normal(),
    );
    const side = sideOf(summarise(differences));
    if (a.chosen !== b.chosen) {
      differ++;
      if (side === 0) covers++;
    }
    if (side === 0) continue;
    decided++;
    if (seeds > 1 && isRobust(a, b, side)) robust++;
  }
  return {
    differ: differ / repeats,
    covers: covers / differ,
    decided: decided / repeats,
    robust: seeds > 1 ? robust / repeats : null,
  };
}

/** Points that the best of random trials is below the best there is, in so many settings. */
function regret(settings: number, trials: number, repeats: number): number {
  const stream = RandomStream.fromSeed(26).fork("trials");
  const sum = Array.from({ length: repeats }, () => {
    const best = Array.from({ length: settings }, () => 0.25 + stream.next() / 2);
    const costs = Array.from(
      { length: trials },
      () => best.reduce((cost, at) => cost + 16 * curves.medium! * (stream.next() - at) ** 2, 0),
    );
    return Math.min(...costs);
  });
  return meanOf(sum);
}

const percent = (share: number | null): string =>
  share === null ? "–" : `${(100 * share).toFixed(1)} %`;

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

async function main(repeats: number): Promise<void> {
  await say(
    `${repeats} repeats; a grid of ${rates.length} rates; a run's sd ${noise} point; ${studySeeds} seeds of the study\n`,
  );
  const cases = Object.entries(curves).flatMap(([name, drop]) =>
    [1, 2, 3, 5].map((seeds) => ({ name, drop, seeds }))
  );
  await say(textTable(
    [
      "curve",
      "a step costs",
      "tuning seeds",
      "other rates",
      "of these, the interval covers 0",
      "one called better",
      "and robust",
      "one is 3 points better: called so",
      "and robust",
    ],
    cases.map(({ name, drop, seeds }) => {
      const same = simulate(drop, seeds, 0, repeats);
      const ahead = simulate(drop, seeds, 3, repeats);
      return [
        name,
        `${drop} points`,
        String(seeds),
        ...[same.differ, same.covers, same.decided, same.robust, ahead.decided, ahead.robust]
          .map(percent),
      ];
    }),
  ));
  await say("\nPoints lost by random trials, noise left out");
  await say(textTable(
    ["settings", "12 trials", "4 for each setting", "12 for each setting"],
    [1, 2, 3].map((settings) => [
      String(settings),
      ...[12, 4 * settings, 12 * settings].map((trials) =>
        regret(settings, trials, repeats).toFixed(2)
      ),
    ]),
  ));
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 20_000));
