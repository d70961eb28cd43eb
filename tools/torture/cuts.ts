/**
 * Power cuts: snapshots of the image of a file system that a sweep writes to, from which the sweep goes on.
 *
 * The sweep's processes are halted while the image is copied, so that the copy is of one moment; what the file system had in
 * memory then is lost, as it would be without power. It takes the right to mount.
 *
 * @module
 */
import { errorMessage } from "../../src/base/input_error.ts";
import { removeTree } from "../../src/record/durable.ts";
import { type Figures, type Ground, pause, Tally } from "./campaign.ts";
import { run, start } from "./processes.ts";

/** Snapshots of one sweep. */
const cutsPerSweep = 4;

/** Milliseconds from one snapshot to the next, at most. */
const span = 1_500;

/** Mounts an image while something is done in it. */
async function mounted(image: string, at: string, work: () => Promise<void>): Promise<void> {
  await Deno.mkdir(at, { recursive: true });
  await run("mount", "-o", "loop", image, at);
  try {
    await work();
  } finally {
    await run("umount", at);
  }
}

async function makeImage(path: string): Promise<void> {
  await run("truncate", "-s", "64M", path);
  await run("mkfs.ext4", "-q", "-F", path);
}

/** Whether this process may mount images; why not, where it may not. */
export async function mountProblem(home: string): Promise<string | null> {
  try {
    await makeImage(`${home}/probe.img`);
    await mounted(`${home}/probe.img`, `${home}/probe`, () => Promise.resolve());
    return null;
  } catch (error) {
    return errorMessage(error);
  }
}

/** Cuts the power so many times. */
export async function cutPower(
  ground: Ground,
  cuts: number,
  onProgress: (done: number) => Promise<void>,
): Promise<Figures> {
  const tally = new Tally();
  const image = `${ground.home}/disk.img`;
  const at = `${ground.home}/disk`;
  for (let done = 0; done < cuts;) {
    const snapshots: string[] = [];
    await makeImage(image);
    await mounted(image, at, async () => {
      const running = start(
        ground.command({ kind: "sweep", results: `${at}/results`, jobs: 1 + ground.random.int(2) }),
      );
      while (snapshots.length < cutsPerSweep && done + snapshots.length < cuts) {
        await Promise.race([pause(200 + ground.millis(span)), running.ended]);
        if (running.hasEnded()) break;
        running.kill("SIGSTOP");
        const snapshot = `${ground.home}/cut-${snapshots.length}.img`;
        await run("cp", "--sparse=always", image, snapshot);
        running.kill("SIGCONT");
        snapshots.push(snapshot);
      }
      running.kill();
      await running.ended;
    });
    for (const snapshot of snapshots) {
      const where = `power cut ${done}`;
      await mounted(snapshot, at, async () => {
        const results = `${at}/results`;
        const ended = await start(ground.command({ kind: "sweep", results, leaseTimeout: 1 }))
          .ended;
        tally.count("power cuts");
        tally.count("runs begun anew", ended.events.filter(({ kind }) => kind === "anew").length);
        if (ground.checkEnd(tally, where, ended)) {
          await ground.compare(tally, where, results, "sweep");
        }
      });
      await Deno.remove(snapshot);
      await onProgress(++done);
    }
  }
  await removeTree(image);
  return tally;
}
