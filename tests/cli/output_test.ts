/** Standard output that nobody reads, that is full, or that text from files would take over. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { EventLines } from "../../src/cli/event_text.ts";
import { Output } from "../../src/cli/terminal.ts";
import { tinyModel, tinyStudy, writeTinyTasks } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

type ByteSink = ConstructorParameters<typeof Output>[0];

/** A stream that keeps what is written, three bytes at a time, and fails from some byte on. */
function sink(failure: Error | null = null, after = 0): ByteSink & { readonly text: () => string } {
  const kept: number[] = [];
  const writeSync = (bytes: Uint8Array): number => {
    if (failure !== null && kept.length >= after) throw failure;
    kept.push(...bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  };
  return {
    writeSync,
    write: (bytes) => Promise.resolve().then(() => writeSync(bytes)),
    text: () => new TextDecoder().decode(Uint8Array.from(kept)),
  };
}

/** An error as the operating system gives it. */
function systemError(code: string): Error {
  return Object.assign(new Error(`os error ${code}`), { code });
}

Deno.test("control characters and marks of direction never reach a terminal", async () => {
  const kept = sink();
  await new Output(kept).write("a\u001b]0;title\u0007 b\u009b2J\u202e\rc\t秩\n");
  assertEquals(kept.text(), "a\\u{1b}]0;title\\u{7} b\\u{9b}2J\\u{202e}\\u{d}c\t秩\n");
});

Deno.test("what ranklab itself tells the terminal does", async () => {
  const kept = sink();
  await new Output(kept).command("\r\u001b[2K");
  assertEquals(kept.text(), "\r\u001b[2K");
});

Deno.test("output that nobody reads any more is lost without a word", async () => {
  const told: string[] = [];
  const broken = sink(new Deno.errors.BrokenPipe("closed"), 3);
  const output = new Output(broken, (reason) => told.push(reason));
  await output.write("abcdef");
  await output.write("more");
  output.writeNow("and more");
  assertEquals([broken.text(), told], ["abc", []]);
});

Deno.test("output that is full is lost with one word", async () => {
  const told: string[] = [];
  const output = new Output(sink(systemError("ENOSPC")), (reason) => told.push(reason));
  output.writeNow("a");
  await output.write("b");
  assertEquals(told, ["os error ENOSPC"]);
});

Deno.test("an error that is not the system's is thrown", async () => {
  await assertRejects(() => new Output(sink(new TypeError("wrong"))).write("a"), TypeError);
});

Deno.test("lines of JSON: progress once a second a job, all else always", () => {
  const lines = new EventLines();
  const share = (title: string, at: number) =>
    lines.lineOf({ kind: "share", title, share: 0.5 }, at);
  assertEquals(share("a", 0), '{"kind":"share","title":"a","share":0.5}');
  assertEquals([share("a", 999), share("b", 999) === null], [null, false]);
  assert(share("a", 1_000) !== null);
  const stopped = { kind: "stopped", title: "a\u001b", step: 3 } as const;
  for (const at of [1_000, 1_001]) {
    assertStringIncludes(lines.lineOf(stopped, at)!, '"title":"a\\u001b"');
  }
  const progress = { step: 1, totalSteps: 2, loss: NaN, millis: 1, checkpointStep: 0 };
  assertStringIncludes(lines.lineOf({ kind: "step", title: "c", progress }, 0)!, '"loss":null');
});

const deno = "deno";

/** Whether tests may start the `deno` of the path; `deno.json` allows no other program. */
const canSpawn = Deno.permissions.querySync({ name: "run", command: deno }).state === "granted";

Deno.test({
  name:
    "a sweep whose reader has gone makes all its runs and ends well; programs read lines of JSON",
  ignore: !canSpawn,
  fn: async () => {
    await withFolder(async (home) => {
      await writeTinyTasks(home);
      const claim = { name: "rank", says: "better", a: { method: "lora" }, b: { method: "head" } };
      const axes = { ...tinyStudy.axes, methods: ["head", "lora"], seeds: [1] };
      const study = { ...tinyStudy, name: "unread", claims: [claim], axes };
      await Deno.writeTextFile(`${home}/unread.json`, JSON.stringify(study));
      const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
      const started = (command: string, ...rest: readonly string[]) =>
        new Deno.Command(deno, {
          args: [
            ...[
              "run",
              "-q",
              `-P=${command}`,
              "--node-modules-dir=manual",
              `--allow-read=.,${home}`,
            ],
            ...(command === "sweep" ? [`--allow-write=${home}`] : []),
            `${root}src/cli/${command}.ts`,
            ...[`${home}/unread.json`, "--model", tinyModel, "--results", home, ...rest],
          ],
          cwd: root,
          stdout: "piped",
          stderr: "piped",
        }).spawn();
      // The next sweep makes the report.
      const child = started("sweep", "--device", "cpu", "--jobs", "1", "--no-report");
      const complaints = new Response(child.stderr).text();
      await child.stdout.cancel();
      const { code } = await child.status;
      assertEquals(code, 0, await complaints);
      const folders = [...Deno.readDirSync(`${home}/unread`)].filter(({ name }) =>
        name.includes("-seed")
      );
      assert(folders.length > 0);
      for (const { name } of folders) {
        const record = JSON.parse(await Deno.readTextFile(`${home}/unread/${name}/record.json`));
        assertEquals(record.happened.outcome.state, "finished");
      }
      // The same for programs: each line is JSON, and the last one says what came of it all.
      const linesOf = async (command: string, ...rest: readonly string[]) => {
        const { code, stdout, stderr } = await started(command, "--json", ...rest).output();
        assertEquals(code, 0, new TextDecoder().decode(stderr));
        return new TextDecoder().decode(stdout).trimEnd().split("\n").map((line) =>
          JSON.parse(line)
        );
      };
      const lines = await linesOf("sweep");
      const last = lines.at(-1);
      const [verdict] = lines.slice(-2);
      assertEquals([verdict.kind, verdict.claim, verdict.answer], ["verdict", "rank", "undecided"]);
      assertEquals(
        [last.kind, last.finished, last.failed, last.skipped],
        ["ended", 0, 0, folders.length],
      );
      assertEquals(last.report.path, `${home}/unread/report/report.html`);
      // People get the verdicts last.
      const said = await started("sweep", "--no-report").output();
      const [heading, line] = new TextDecoder().decode(said.stdout).trimEnd().split("\n").slice(-2);
      assertMatch(heading!, /^Claims, stated before the first run \(.*\):$/);
      assertMatch(
        line!,
        /^ {2}rank: undecided \(2 more seeds\), .* – claimed: lora is better than head, over seeds, on .* dev texts(;|$)/,
      );
      const planned = (await linesOf("plan")).filter(({ kind }) => kind === "planned");
      const runs = planned.reduce((sum, each) => sum + each.done, 0);
      assertEquals(runs, folders.length);
    });
  },
});
