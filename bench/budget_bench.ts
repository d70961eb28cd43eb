/**
 * Simulates how often the interval for the budget that a method is worth holds the true one, beside a bootstrap over seeds.
 *
 * `deno run -P=bench bench/budget_bench.ts [REPEATS]`: the table of docs/decisions/verdicts.md. About a minute with the default of
 * 2,000 repeats, which leaves a standard error of 0.5 points on 95 %.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { meanOf } from "../src/stats/statistics.ts";
import { firstReaching, isotonicFit, placeReaching } from "../src/stats/monotone.ts";
import { besideDocs } from "./documented.ts";

/** A study of one method at a budget, and of a baseline at ranks 1, 2, 4 and 8. */
export interface SimulatedBudgets {
  readonly seeds: number;
  /** Points that the baseline gains from rank 1 to rank 8. */
  readonly rise: number;
  /** Standard deviation over seeds of a score, half of whose variance runs of one seed share. */
  readonly noise: number;
  /** Whether points lie on a line over log rank, or rise fast first; or differences are skewed, along a line. */
  readonly shape: "line" | "bent" | "skewed";
}

/** How often intervals at 95 % hold the true budget. */
interface BudgetCoverage {
  readonly covered: number;
  /** By the percentiles of resampled seeds. */
  readonly bootstrap: number;
  /** Share of intervals that are open at both ends. */
  readonly open: number;
}

const places = [0, 1, 2, 3];
/** The method is worth rank 3. */
const truth = Math.log2(3);

/** Simulates studies of one kind; `draws` resamples each, 0 for no bootstrap. */
export function coverageOf(
  { seeds, rise, noise, shape }: SimulatedBudgets,
  repeats: number,
  draws = 1000,
): BudgetCoverage {
  const stream = RandomStream.fromSeed(15).fork("budgets");
  const heightAt = (place: number) =>
    rise * (shape === "bent" ? (1 - 2 ** -place) / (1 - 2 ** -3) : place / 3);
  const spread = noise / Math.SQRT2;
  const drawn = () => shape === "skewed" ? -Math.log(1 - stream.next()) - 1 : stream.normal();
  let [covered, bootstrap, open] = [0, 0, 0];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const shared = stream.normals(seeds, spread);
    const scores = (height: number) => Array.from(shared, (own) => height + own + spread * drawn());
    const reference = places.map((place) => scores(heightAt(place)));
    const method = scores(heightAt(truth));
    const { low, high } = placeReaching(places, reference, method)!.interval;
    covered += Number(low <= truth && truth <= high);
    open += Number(low === -Infinity && high === Infinity);
    if (draws === 0) continue;
    const found = Array.from({ length: draws }, () => {
      const own = method.map(() => stream.int(seeds));
      const meanAt = (each: readonly number[]) => meanOf(own.map((seed) => each[seed]!));
      return firstReaching(places, isotonicFit(reference.map(meanAt)), meanAt(method));
    }).sort((a, b) => a < b ? -1 : Number(a > b));
    const end = (share: number) => found[Math.floor(share * (draws - 1))]!;
    bootstrap += Number(end(0.025) <= truth && truth <= end(0.975));
  }
  return { covered: covered / repeats, bootstrap: bootstrap / repeats, open: open / repeats };
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

async function main(repeats: number): Promise<void> {
  const headings = ["curve", "rise / sd", "seeds", "covered", "bootstrap", "cannot tell"];
  const rows = (["line", "bent", "skewed"] as const).flatMap((shape) =>
    [0.3, 2, 6].flatMap((rise) =>
      [3, 5, 10].map((seeds) => {
        const found = coverageOf({ seeds, rise, noise: 1, shape }, repeats, 400);
        return [
          ...[shape, rise, seeds].map(String),
          ...[found.covered, found.bootstrap, found.open].map(percent),
        ];
      })
    )
  );
  const page = await Deno.readTextFile("docs/decisions/verdicts.md");
  const text = besideDocs(headings, rows, 3, page);
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await main(Number(Deno.args[0] ?? 2000));
