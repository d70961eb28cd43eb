/**
 * Two or three sweeps, or ablations, of one study at once; in some of them one is killed on the way, in some one is halted for
 * so long that others take its run over, and then goes on.
 *
 * @module
 */
import { removeTree } from "../../src/record/durable.ts";
import { type Figures, type Ground, pause, Tally } from "./campaign.ts";
import { type Ended, type Running, start } from "./processes.ts";

/** Milliseconds within which the second and third begin, and within which one is killed or halted. */
const stagger = 800, killSpan = 4_000;

/** The timeout of leases in seconds where one is halted, and the milliseconds that it is halted for. */
const shortTimeout = 2, haltMillis = 6_000;

/** Kills a process at a random moment, or halts it for a while. */
async function disturb(ground: Ground, tally: Tally, victim: Running, how: "kill" | "halt") {
  await Promise.race([pause(ground.millis(killSpan)), victim.ended]);
  if (victim.hasEnded()) return;
  if (how === "kill") {
    tally.count("killed beside others");
    victim.kill();
    return;
  }
  tally.count("halted beside others");
  victim.kill("SIGSTOP");
  await pause(haltMillis);
  victim.kill("SIGCONT");
}

/** How many of the events of some processes are of a kind. */
function countOf(ended: readonly Ended[], kind: string): number {
  return ended.flatMap(({ events }) => events).filter((event) => event.kind === kind).length;
}

/** Lets so many groups of processes work on a study each. */
export async function workTogether(
  ground: Ground,
  pairs: number,
  onProgress: (done: number) => Promise<void>,
): Promise<Figures> {
  const tally = new Tally();
  for (let pair = 0; pair < pairs; pair++) {
    const results = `${ground.home}/shared-${pair}`;
    const size = 2 + (ground.random.int(4) === 0 ? 1 : 0);
    const disturbance = (["kill", "halt", null, null] as const)[ground.random.int(4)]!;
    const leaseTimeout = disturbance === "halt" ? shortTimeout : null;
    const where = `${size} processes, group ${pair}`;
    // Ablations take long; one in three groups makes them.
    const extent = pair % 3 === 0 ? ground.extent : "sweep";
    for (const kind of extent === "sweep" ? [extent] : ["sweep", extent] as const) {
      const running: Running[] = [];
      for (let i = 0; i < size; i++) {
        if (i > 0) await pause(ground.millis(stagger));
        const jobs = 1 + ground.random.int(2);
        running.push(start(ground.command({ kind, results, jobs, leaseTimeout })));
      }
      const victim = kind === "sweep" ? running[ground.random.int(size)]! : null;
      if (victim !== null && disturbance !== null) {
        await disturb(ground, tally, victim, disturbance);
      }
      const ended = await Promise.all(running.map(({ ended }) => ended));
      ended.forEach((end, i) => {
        const wasKilled = running[i] === victim && end.code === null && !end.isBlocked;
        if (!wasKilled) ground.checkEnd(tally, `${where}, ${kind} ${i}`, end);
      });
      tally.count(`groups of ${size} that ${kind}`);
      tally.count("runs left to another", countOf(ended, "left"));
      tally.count("runs taken over", countOf(ended, "taken over"));
      tally.count("runs done twice", countOf(ended, "done twice"));
    }
    await ground.compare(tally, where, results, extent);
    if (tally.problems.length === 0) await removeTree(results);
    await onProgress(pair + 1);
  }
  return tally;
}
