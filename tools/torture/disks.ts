/**
 * Full and read-only disks: a sweep on a disk that is too small ends with an error and goes on when there is room; one of a
 * finished study on a read-only disk has nothing to do.
 *
 * @module
 */
import { type Figures, type Ground, Tally } from "./campaign.ts";
import { run, start } from "./processes.ts";

/** Fills so many disks, of random sizes. */
export async function fillDisks(ground: Ground, disks: number): Promise<Figures> {
  const tally = new Tally();
  const at = `${ground.home}/small`;
  await Deno.mkdir(at, { recursive: true });
  for (let disk = 0; disk < disks; disk++) {
    const where = `disk ${disk}`;
    const sweep = ground.command({
      kind: "sweep",
      results: `${at}/results`,
      jobs: 1 + ground.random.int(2),
      leaseTimeout: 1,
    });
    await run("mount", "-t", "tmpfs", "-o", `size=${40 + ground.random.int(360)}k`, "tmpfs", at);
    try {
      const full = await start(sweep).ended;
      if (full.code === 0) tally.count("disks that were large enough");
      else if (/StorageError|Cannot write/.test(full.complaints)) tally.count("full disks");
      else tally.fault(where, `exit ${full.code}: ${full.complaints}`);
      await run("mount", "-o", "remount,size=64m", at);
      ground.checkEnd(tally, `${where}, with room`, await start(sweep).ended);
      await ground.compare(tally, where, sweep.results, "sweep");
      await run("mount", "-o", "remount,ro", at);
      if (ground.checkEnd(tally, `${where}, read-only`, await start(sweep).ended)) {
        tally.count("read-only disks");
      }
      await ground.compare(tally, `${where}, read-only`, sweep.results, "sweep");
    } finally {
      await run("umount", at);
    }
  }
  return tally;
}
