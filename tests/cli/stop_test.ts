/** What signals do: the rule by itself, then a sweep in a process of its own. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { keptLines, signalEffects, stoppedText, stopSignals } from "../../src/cli/stop.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { tinyModel, tinyStudy, writeTinyTasks } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

type StopSignal = typeof stopSignals[number];

/** What each of some signals does, given with the milliseconds at which they are heard. */
function effectsOf(...signals: readonly (readonly [StopSignal, number])[]) {
  const effectOf = signalEffects();
  return signals.map(([signal, at]) => effectOf(signal, at));
}

Deno.test("signalEffects() takes a Ctrl-C that arrives several times at once for one", () => {
  assertEquals(effectsOf(["SIGINT", 5_000]), ["stop"]);
  assertEquals(effectsOf(["SIGINT", 0], ["SIGINT", 0]), ["stop", "none"]);
  assertEquals(
    effectsOf(["SIGINT", 0], ["SIGINT", 50], ["SIGINT", 999]),
    ["stop", "none", "none"],
  );
});

Deno.test("signalEffects() ends the process at a Ctrl-C a second after the first, however many came between", () => {
  assertEquals(effectsOf(["SIGINT", 7], ["SIGINT", 1_007]), ["stop", "exit"]);
  assertEquals(
    effectsOf(["SIGINT", 0], ["SIGINT", 600], ["SIGINT", 601], ["SIGINT", 1_200]),
    ["stop", "none", "none", "exit"],
  );
});

Deno.test("signalEffects() never ends the process at a SIGTERM", () => {
  assertEquals(
    effectsOf(["SIGTERM", 0], ["SIGTERM", 10], ["SIGTERM", 60_000]),
    ["stop", "none", "none"],
  );
  assertEquals(effectsOf(["SIGINT", 0], ["SIGTERM", 60_000]), ["stop", "none"]);
  // A second is counted from the first Ctrl-C, not from a SIGTERM before it.
  assertEquals(
    effectsOf(["SIGTERM", 0], ["SIGINT", 60_000], ["SIGINT", 60_010], ["SIGINT", 61_000]),
    ["stop", "none", "none", "exit"],
  );
});

Deno.test("stoppedText tells what is done and how far each run under way is kept", () => {
  assertEquals(
    stoppedText({
      total: 8,
      finished: 2,
      failed: 1,
      skipped: 0,
      elsewhere: 1,
      stoppedRuns: [{ title: "RTE, lora, r2, seed 1", step: 40 }, { title: "b", step: 0 }],
    }),
    "Stopped: 4 of 8 runs are done and kept\n" +
      "RTE, lora, r2, seed 1: kept up to its checkpoint at step 40\n" +
      "b: no checkpoint yet, it starts again\n" +
      "The same command goes on from here",
  );
  assertEquals(keptLines([]), []);
});

const deno = "deno";

/** Whether tests may start the `deno` of the path; `deno.json` allows no other program. */
const canSpawn = Deno.permissions.querySync({ name: "run", command: deno }).state === "granted";

/** A study whose two runs would take hours. */
const endless = {
  ...tinyStudy,
  name: "endless",
  base: {
    ...tinyStudy.base,
    train: { ...tinyStudy.base?.train, steps: 10_000_000, evaluateEvery: null },
  },
  deltas: [],
  axes: { ...tinyStudy.axes, methods: ["lora"], seeds: [1, 2] },
};

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly complaints: string;
}

/** A journal that stays empty for LoRA; a run makes it when it begins. */
const sign = "importance.jsonl";

/** Starts the sweep by the program, sends that a signal twice when both runs have begun, and waits for its end. */
async function interrupted(home: string, signal: StopSignal): Promise<Ended> {
  const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
  const child = new Deno.Command(deno, {
    args: [
      ...["run", "-q", "-P=ranklab", "--node-modules-dir=manual", "src/cli/main.ts", "sweep"],
      ...[`${home}/endless.json`, "--model", tinyModel, "--results", home],
      ...["--device", "cpu", "--jobs", "2", "--threads", "1"],
    ],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const done = Promise.all([
    child.status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const begun = () => runsIn(home).filter((run) => namesIn(run).includes(sign)).length;
  while (!hasEnded && begun() < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill(signal);
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (!hasEnded) child.kill(signal);
  const [{ code }, output, complaints] = await done;
  return { code, output, complaints };
}

function namesIn(folder: string): readonly string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function runsIn(home: string): readonly string[] {
  const folder = `${home}/endless/under-way`;
  return namesIn(folder).filter((name) => /-seed.*\.[0-9a-f]{16}$/.test(name))
    .map((name) => `${folder}/${name}`).sort();
}

/** Steps up to the checkpoint of each run; each journal must hold just those. */
async function checkpointSteps(home: string): Promise<readonly number[]> {
  const steps: number[] = [];
  for (const run of runsIn(home)) {
    const names = namesIn(run);
    assert(names.includes("checkpoint.safetensors"), `${names}`);
    assert(!names.includes("record.json"), `${names}`);
    const path = `${run}/checkpoint.safetensors`;
    const { metadata } = readSafetensors(await Deno.readFile(path), path);
    const lines = (await Deno.readTextFile(`${run}/steps.jsonl`)).trimEnd().split("\n");
    const { step } = JSON.parse(lines.at(-1)!);
    assertEquals(lines.length, step);
    assertStringIncludes(JSON.stringify(metadata), `\\"step\\":${step}`);
    steps.push(step);
  }
  return steps;
}

Deno.test({
  name:
    "a sweep that hears a signal twice at once keeps both its runs at a checkpoint and goes on from there",
  ignore: !canSpawn || Deno.build.os === "windows",
  fn: async () => {
    await withFolder(async (home) => {
      await writeTinyTasks(home);
      await Deno.writeTextFile(`${home}/endless.json`, JSON.stringify(endless));
      let before: readonly number[] = [0, 0];
      for (const signal of stopSignals) {
        const { code, output, complaints } = await interrupted(home, signal);
        assertEquals(code, 130, complaints);
        assertStringIncludes(complaints, "Done and kept: 0 of 2 runs");
        assertStringIncludes(output, "Stopped: 0 of 2 runs are done and kept");
        const steps = await checkpointSteps(home);
        assertEquals(steps.length, 2);
        for (const [i, step] of steps.entries()) {
          assert(step > before[i]!, `step ${step} after ${before[i]}`);
          assertStringIncludes(output, `kept up to its checkpoint at step ${step}\n`);
        }
        before = steps;
        for (const run of runsIn(home)) await Deno.remove(`${run}/${sign}`);
      }
    });
  },
});
