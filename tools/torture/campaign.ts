/**
 * What the campaigns share: a folder to work in, an undisturbed sweep to compare with, and figures.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import { removeTree } from "../../src/record/durable.ts";
import { studyDifferences } from "./compare_studies.ts";
import { type Ended, start } from "./processes.ts";
import { type ChildCommand, torturedStudy, writeTorturedData } from "./tortured_study.ts";

/** What a campaign found. */
export interface Figures {
  /** What was done, by name, for instance `kills of sweep`. */
  readonly counts: Readonly<Record<string, number>>;
  /** What should not be: differing files, blocked or failed commands. Empty where all is well. */
  readonly problems: readonly string[];
}

/** Counts and problems while a campaign is under way. */
export class Tally implements Figures {
  readonly counts: Record<string, number> = {};
  readonly problems: string[] = [];

  /** Counts something. */
  count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  /** Notes what should not be. */
  fault(where: string, what: string): void {
    this.problems.push(`${where}: ${what}`);
  }
}

/** What is done to a study: sweeps alone, or ablations, verifications and reports as well. */
export type Extent = "sweep" | "ablate";

/** A folder with the study's data and the results of an undisturbed sweep. */
export class Ground {
  readonly home: string;
  readonly extent: Extent;
  readonly wanted: string;
  readonly random: RandomStream;

  private constructor(home: string, extent: Extent, wanted: string, random: RandomStream) {
    this.home = home;
    this.extent = extent;
    this.wanted = wanted;
    this.random = random;
  }

  /** Sweeps, and ablates if that is to be done, once and undisturbed. */
  static async prepare(home: string, seed: number, extent: Extent = "ablate"): Promise<Ground> {
    await removeTree(home);
    await writeTorturedData(home);
    const ground = new Ground(
      home,
      extent,
      `${home}/wanted`,
      RandomStream.fromSeed(seed).fork("torture"),
    );
    for (const kind of extent === "sweep" ? [extent] : ["sweep", extent] as const) {
      const ended = await start(ground.command({ kind, results: ground.wanted })).ended;
      if (ended.code !== 0) throw new Error(`The undisturbed ${kind} failed: ${ended.complaints}`);
    }
    return ground;
  }

  /** A command on this ground; one run at a time and the default timeout of leases unless told otherwise. */
  command(command: Partial<ChildCommand> & Pick<ChildCommand, "kind" | "results">): ChildCommand {
    return { home: this.home, jobs: 1, leaseTimeout: null, ...command };
  }

  /** Notes a command that was not killed and did not end well. */
  checkEnd(tally: Tally, where: string, ended: Ended): boolean {
    if (ended.isBlocked) {
      tally.fault(where, `blocked, took more than ${Math.round(ended.millis)} ms`);
    } else if (ended.code !== 0) {
      tally.fault(where, `exit ${ended.code}: ${ended.complaints.trim()}`);
    }
    return ended.code === 0;
  }

  /**
   * Notes the files of results that differ from the undisturbed ones.
   *
   * @param part Whether the results are to hold the ablations as well.
   */
  async compare(
    tally: Tally,
    where: string,
    results: string,
    part: Extent,
  ): Promise<void> {
    const folder = `/${torturedStudy.name}`;
    const differences = await studyDifferences(results + folder, this.wanted + folder);
    const counting = part === "ablate"
      ? differences
      : differences.filter((difference) =>
        !/^(replay\/.*|[^/]*\/ablation\.json): missing$/.test(difference)
      );
    tally.count("studies compared");
    for (const difference of counting) tally.fault(where, difference);
  }

  /** A number of milliseconds below a bound. */
  millis(most: number): number {
    return Math.floor(this.random.next() * most);
  }
}

/** Waits. */
export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
