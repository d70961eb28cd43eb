/** Every power cut of a small run: whatever was lost, the run ends with the same bytes, and stays once it has ended. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { LossyDisk, PowerCut, type Tree } from "../../tools/torture/lossy_disk.ts";
import { makeSmallRun, smallFolder } from "./small_run.ts";

const results = "/disk/results/study";

/** Text of each file of the run, by path below the study's folder. */
function filesOf(tree: Tree): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...tree].flatMap(([path, bytes]) =>
      bytes !== null && path.startsWith(`${results}/`)
        ? [[path.slice(results.length + 1), new TextDecoder().decode(bytes)]]
        : []
    ).sort(),
  );
}

async function undisturbed(): Promise<
  { files: Readonly<Record<string, string>>; effects: number }
> {
  const disk = new LossyDisk();
  await makeSmallRun({ disk, results });
  return { files: filesOf(disk.tree()), effects: disk.count };
}

function drawOf(seed: number): () => number {
  const stream = RandomStream.fromSeed(seed);
  return () => stream.next();
}

/** What a power cut keeps: nothing that was not synced, all of it, or what a stream draws. */
const draws = [() => 0, () => 0.999, ...[1, 2, 3].map(drawOf)];

Deno.test("a run ends with the same bytes after a power cut between any two effects", async () => {
  const { files, effects } = await undisturbed();
  assertEquals(
    Object.keys(files).filter((path) => !path.startsWith(`${smallFolder}/`)),
    [],
    "something is left beside the run",
  );
  assert(effects > 50, `${effects} effects`);
  let resumed = 0;
  for (let cut = 0; cut < effects; cut++) {
    for (const draw of draws) {
      const disk = new LossyDisk(undefined, cut);
      await assertRejects(() => makeSmallRun({ disk, results }));
      const again = new LossyDisk(disk.afterCut(draw));
      const { made, finished } = await makeSmallRun({ disk: again, results });
      if (made < 8) resumed++;
      assert(finished !== null);
      assertEquals(filesOf(again.tree()), files, `cut after ${cut} of ${effects} effects`);
    }
  }
  assert(resumed > effects, `only ${resumed} cuts were gone on from`);
});

Deno.test("a run that has ended is there after any power cut", async () => {
  const { files } = await undisturbed();
  for (const draw of draws) {
    const disk = new LossyDisk();
    await makeSmallRun({ disk, results });
    const found = filesOf(disk.afterCut(draw));
    const kept = Object.entries(found).filter(([path]) => path.startsWith(`${smallFolder}/`));
    assertEquals(Object.fromEntries(kept), files);
  }
});

Deno.test("two power cuts in a row are no worse than one", async () => {
  const { files, effects } = await undisturbed();
  const draw = drawOf(7);
  for (let round = 0; round < 100; round++) {
    const first = new LossyDisk(undefined, Math.floor(draw() * effects));
    await assertRejects(() => makeSmallRun({ disk: first, results }));
    const second = new LossyDisk(first.afterCut(draw), Math.floor(draw() * 20));
    await makeSmallRun({ disk: second, results }).catch((error) => {
      if (!(error.cause instanceof PowerCut || error instanceof PowerCut)) throw error;
    });
    const third = new LossyDisk(second.afterCut(draw));
    await makeSmallRun({ disk: third, results });
    assertEquals(filesOf(third.tree()), files, `round ${round}`);
  }
});
