/**
 * Random kills: commands are killed with their process group at a random moment, then everything is brought to its end.
 *
 * @module
 */
import { removeTree } from "../../src/record/durable.ts";
import { type Figures, type Ground, pause, Tally } from "./campaign.ts";
import { start } from "./processes.ts";
import type { StudyWork } from "./tortured_study.ts";

/** Kills of one folder of results before it is brought to its end and compared. */
const killsPerStudy = 8;

/** Problems after which there is no use in going on. */
const mostProblems = 100;

/** Milliseconds within which a command is killed: as long as it takes undisturbed, or a little longer. */
const spans: Readonly<Record<StudyWork, number>> = {
  sweep: 4_000,
  ablate: 5_000,
  verify: 4_000,
  report: 2_500,
};

/** The next command to kill: what there is to do decides. */
function nextKind(ground: Ground, isSwept: boolean): StudyWork {
  if (!isSwept) return "sweep";
  return (["ablate", "ablate", "verify", "report"] as const)[ground.random.int(4)]!;
}

/** Kills so many commands. */
export async function killCommands(
  ground: Ground,
  kills: number,
  onProgress: (done: number) => Promise<void>,
): Promise<Figures> {
  const tally = new Tally();
  let done = 0;
  for (let study = 0; done < kills && tally.problems.length < mostProblems; study++) {
    const results = `${ground.home}/killed-${study}`;
    // Every second study is swept undisturbed, so that what comes after a sweep is killed as well.
    const isSwept = ground.extent === "ablate" && study % 2 === 1;
    if (isSwept) {
      ground.checkEnd(
        tally,
        `study ${study}, its sweep`,
        await start(ground.command({ kind: "sweep", results })).ended,
      );
    }
    for (let own = 0; own < killsPerStudy && done < kills;) {
      const kind = nextKind(ground, isSwept);
      const jobs = 1 + ground.random.int(2);
      // Nobody else works here, so that there is nothing to wait for.
      const running = start(ground.command({ kind, results, jobs, leaseTimeout: 1 }));
      const millis = ground.millis(spans[kind]);
      await Promise.race([pause(millis), running.ended]);
      const wasOver = running.hasEnded();
      running.kill();
      const ended = await running.ended;
      const where = `study ${study}, ${kind} with ${jobs} jobs`;
      if (!wasOver && ended.code === null) {
        own++;
        await onProgress(++done);
        tally.count(`kills of ${kind}`);
        tally.count(`kills with ${jobs} ${jobs === 1 ? "job" : "jobs"}`);
      } else if (ground.checkEnd(tally, where, ended)) {
        tally.count("commands that ended before they were killed");
      } else break;
      tally.count("runs begun anew", ended.events.filter((event) => event.kind === "anew").length);
    }
    const last = ground.extent === "sweep"
      ? ["sweep"] as const
      : ["sweep", "ablate", "verify", "report"] as const;
    for (const kind of last) {
      const ended = await start(ground.command({ kind, results, leaseTimeout: 1 })).ended;
      ground.checkEnd(tally, `study ${study}, the last ${kind}`, ended);
      tally.count("runs begun anew", ended.events.filter((event) => event.kind === "anew").length);
    }
    await ground.compare(tally, `study ${study}`, results, ground.extent);
    if (tally.problems.length === 0) await removeTree(results);
  }
  return tally;
}
