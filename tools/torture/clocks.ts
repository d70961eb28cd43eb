/**
 * Clocks that jump: sweeps under a clock that is set forwards and backwards while they work, by hours and by decades.
 *
 * It takes libfaketime (package `faketime` of Debian). In two of three groups the time of day jumps, as when somebody sets a clock;
 * in the others the clock that only goes on leaps as well, as on a machine that was asleep.
 *
 * @module
 */
import { removeTree } from "../../src/record/durable.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { type Figures, type Ground, pause, Tally } from "./campaign.ts";
import { type Running, start } from "./processes.ts";
import { torturedStudy } from "./tortured_study.ts";

/** Where distributions keep the library for programs with threads. */
const libraries = [
  ...["x86_64-linux-gnu", "aarch64-linux-gnu"].map((machine) => `/usr/lib/${machine}/faketime`),
  "/usr/lib64/faketime",
  "/usr/lib/faketime",
].map((folder) => `${folder}/libfaketimeMT.so.1`);

/** The library that sets clocks, or null where it is not installed. */
export async function clockLibrary(): Promise<string | null> {
  for (const path of libraries) {
    try {
      if ((await Deno.stat(path)).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

/** What jumps: the time of day in both directions, or all clocks, forwards. */
type Jumping = "day" | "all";

/** Seconds of a jump at most: of the time of day 30 years, of all clocks twice the timeout of leases. */
const span = { day: 30 * 365 * 86_400, all: 60 } as const;

/** Milliseconds from one jump to the next, at most. */
const betweenJumps = 400;

/** A clock that jumps from where it is. */
class Clock {
  readonly #path: string;
  readonly #ground: Ground;
  readonly #jumping: Jumping;
  #offset = 0;

  constructor(path: string, ground: Ground, jumping: Jumping) {
    this.#path = path;
    this.#ground = ground;
    this.#jumping = jumping;
  }

  /** What a process's environment must hold to be under this clock. */
  environment(library: string): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_NO_CACHE: "1",
      // Files keep their own times, which nobody looks at.
      NO_FAKE_STAT: "1",
      ...(this.#jumping === "day" ? { FAKETIME_DONT_FAKE_MONOTONIC: "1" } : {}),
    };
  }

  /** Sets the clock. */
  async set(): Promise<void> {
    // In one step, since the library reads it at any time.
    await Deno.writeTextFile(
      `${this.#path}.next`,
      `${this.#offset < 0 ? "" : "+"}${this.#offset}\n`,
    );
    await Deno.rename(`${this.#path}.next`, this.#path);
  }

  /** Jumps by powers of ten, up to the span: small ones are as likely as large ones. */
  async jump(): Promise<void> {
    const { random } = this.#ground;
    const seconds = Math.round(span[this.#jumping] ** random.next());
    if (this.#jumping === "all") this.#offset += seconds;
    else this.#offset = random.int(2) === 0 ? seconds : -seconds;
    await this.set();
  }
}

/** How many records say that their run began more than an hour from now. */
async function otherTimes(results: string): Promise<number> {
  const { runs } = await readStudyResults(`${results}/${torturedStudy.name}`);
  return runs.filter(({ record }) =>
    Math.abs(Date.parse(record.happened.time.startedAt) - Date.now()) > 3_600_000
  ).length;
}

/** Lets groups of one or two sweeps work under clocks that jump, each under its own. */
export async function jumpClocks(
  ground: Ground,
  groups: number,
  library: string,
  onProgress: (done: number) => Promise<void>,
): Promise<Figures> {
  const tally = new Tally();
  for (let group = 0; group < groups; group++) {
    const results = `${ground.home}/clocked-${group}`;
    const jumping: Jumping = group % 3 === 2 ? "all" : "day";
    const size = 1 + ground.random.int(2);
    const where = `${size} ${size === 1 ? "sweep" : "sweeps"} under a clock, group ${group}`;
    const clocks: Clock[] = [];
    const running: Running[] = [];
    for (let i = 0; i < size; i++) {
      const clock = new Clock(`${ground.home}/clock-${group}-${i}`, ground, jumping);
      await clock.set();
      clocks.push(clock);
      const jobs = 1 + ground.random.int(2);
      running.push(
        start(ground.command({ kind: "sweep", results, jobs }), clock.environment(library)),
      );
    }
    const all = Promise.all(running.map(({ ended }) => ended));
    while (running.some(({ hasEnded }) => !hasEnded())) {
      await Promise.race([pause(ground.millis(betweenJumps)), all]);
      for (const clock of clocks) await clock.jump();
      tally.count(jumping === "day" ? "jumps of the time of day" : "leaps of all clocks", size);
    }
    const ended = await all;
    ended.forEach((end) => ground.checkEnd(tally, where, end));
    tally.count(`groups of ${size}`);
    for (const kind of ["taken over", "done twice", "anew"]) {
      const count = ended.flatMap(({ events }) => events).filter((e) => e.kind === kind).length;
      tally.count(`runs ${kind === "anew" ? "begun anew" : kind}`, count);
    }
    const report = start(ground.command({ kind: "report", results }));
    ground.checkEnd(tally, `${where}, its report`, await report.ended);
    tally.count("records of another time", await otherTimes(results));
    await ground.compare(tally, where, results, "sweep");
    if (tally.problems.length === 0) await removeTree(results);
    await onProgress(group + 1);
  }
  return tally;
}
