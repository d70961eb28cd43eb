/** Two sweeps of one study at once, a dead one's lease, and results that nobody may write to. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { attemptPath, leasePath, ownerText } from "../../src/record/lease.ts";
import { readRun } from "../../src/record/results_reader.ts";
import { resultDifferences } from "../../src/record/earlier_attempts.ts";
import type { WorkEvent } from "../../src/runs/events.ts";
import { type SweepOptions, sweepStudy } from "../../src/runs/sweep.ts";
import { tinyModel, tinyStudy, withSwept } from "../runs/tiny_study.ts";

function sweepIn(
  home: string,
  results: string,
  options: SweepOptions = {},
  onEvent: (event: WorkEvent) => void | Promise<void> = () => {},
) {
  return sweepStudy(
    { study: tinyStudy, folder: home, methods },
    { model: tinyModel, device: "cpu", jobs: 1, threads: 1, results, ...options },
    { onEvent },
  );
}

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

/** Checks that two folders hold the same runs with the same numbers, and nothing else. */
async function assertSameRuns(found: string, wanted: string): Promise<void> {
  assertEquals(namesIn(found), namesIn(wanted));
  for (const name of namesIn(wanted).filter((name) => name.includes("-seed"))) {
    const [a, b] = [await readRun(`${found}/${name}`), await readRun(`${wanted}/${name}`)];
    assertEquals(namesIn(`${found}/${name}`), namesIn(`${wanted}/${name}`));
    assertEquals(resultDifferences(a!, b!), [], name);
  }
}

Deno.test("two sweeps of one study share its runs, and both end when all are done", async () => {
  await withSwept(async ({ home, folder }) => {
    const results = `${home}/shared`;
    const left: string[] = [], elsewhere: string[] = [];
    const hear = (event: WorkEvent) => {
      if (event.kind === "left") left.push(`${event.title}: ${event.by}`);
      if (event.kind === "done elsewhere") elsewhere.push(event.title);
    };
    const [a, b] = await Promise.all([
      sweepIn(home, results, {}, hear),
      sweepIn(home, results, {}, hear),
    ]);
    assertEquals([a.finished + b.finished, a.failed + b.failed], [4, 0]);
    assert(a.finished > 0 && b.finished > 0, `${a.finished} and ${b.finished} runs`);
    for (const { finished, skipped, elsewhere } of [a, b]) {
      assertEquals(finished + skipped + elsewhere, 4);
    }
    assertEquals(elsewhere.length, a.elsewhere + b.elsewhere);
    assert(left.length > 0);
    assertStringIncludes(left[0]!, `process ${Deno.pid}`);
    await assertSameRuns(a.folder, folder);
  });
});

Deno.test("a sweep goes on with the run of a process that gives no sign of life, and says so", async () => {
  await withSwept(async ({ home, folder, runOf }) => {
    const results = `${home}/dead`;
    const run = runOf("lora").split("/").at(-1)!;
    const token = "0123456789abcdef";
    const lease = leasePath(`${results}/tiny`, run);
    await Deno.mkdir(lease, { recursive: true });
    const owner = { host: "far-away", pid: 7, command: "sweep tiny" };
    await Deno.writeTextFile(`${lease}/${token}.json`, ownerText(owner, 12));
    await Deno.mkdir(attemptPath(`${results}/tiny`, run, token));
    const said: string[] = [];
    const { finished } = await sweepIn(home, results, { leaseTimeout: 0 }, (event) => {
      if (event.kind === "left") said.push(`left to ${event.by}`);
      if (event.kind === "taken over") said.push(`from ${event.from}`);
    });
    assertEquals(finished, 4);
    const name = "process 7 on far-away (sweep tiny)";
    assertEquals(said, [`left to ${name}`, `from ${name}`]);
    await assertSameRuns(`${results}/tiny`, folder);
  });
});

Deno.test("a sweep that is stopped gives its leases back", async () => {
  await withSwept(async ({ home }) => {
    const results = `${home}/stopped`;
    const controller = new AbortController();
    const options = { model: tinyModel, device: "cpu", jobs: 1, threads: 1, results };
    const result = await sweepStudy({ study: tinyStudy, folder: home, methods }, options, {
      signal: controller.signal,
      onEvent: ({ kind }) => {
        if (kind === "step") controller.abort();
      },
    });
    assert(result.stopped);
    const names = namesIn(`${results}/tiny/under-way`);
    assertEquals(names.filter((name) => !/\.[0-9a-f]{16}$/.test(name)), []);
    const again = await sweepIn(home, results);
    assertEquals([again.finished + result.finished, again.elsewhere], [4, 0]);
  });
});

/** Whether tests may start the `deno` of the path. */
const canSpawn = Deno.permissions.querySync({ name: "run", command: "deno" }).state === "granted";

Deno.test({
  name: "a sweep of a finished study needs no leave to write, and says what it did not write",
  ignore: !canSpawn,
  fn: async () => {
    await withSwept(async ({ home, folder }) => {
      await Deno.writeTextFile(`${home}/tiny.json`, JSON.stringify(tinyStudy));
      await Deno.writeTextFile(`${folder}/study.json`, "{}");
      const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
      const code = `
        import { sweepStudy } from "${root}src/runs/sweep.ts";
        import { readStudyFile } from "${root}src/runs/plan/study_file.ts";
        const result = await sweepStudy(
          await readStudyFile("${home}/tiny.json"),
          { model: "${tinyModel}", device: "reference", results: "${home}/results" },
          { onEvent: (event) => console.log(JSON.stringify(event)) },
        );
        console.log(JSON.stringify({ skipped: result.skipped, finished: result.finished }));`;
      await Deno.writeTextFile(`${home}/script.ts`, code);
      const { stdout, stderr } = await new Deno.Command("deno", {
        args: [
          ...["run", "-q", "--no-prompt", "--no-check", "--allow-read"],
          ...["--config", `${root}deno.json`, `${home}/script.ts`],
        ],
        cwd: root,
      }).output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      assertEquals(lines.length, 2, new TextDecoder().decode(stderr));
      assertEquals(JSON.parse(lines[0]!).kind, "not written");
      assertStringIncludes(lines[0]!, "study.json");
      assertEquals(JSON.parse(lines[1]!), { skipped: 4, finished: 0 });
    });
  },
});
