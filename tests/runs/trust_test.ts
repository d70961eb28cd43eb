/** Code that results name, such as those of somebody else: what runs of it, and when. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { withFolder } from "../with_folder.ts";

import { UsageError } from "../../src/base/input_error.ts";
import { ablate } from "../../src/cli/ablate.ts";
import { exportCommand } from "../../src/cli/export.ts";
import { report } from "../../src/cli/report.ts";
import { trustOf } from "../../src/cli/command_parts.ts";
import { readArguments } from "../../src/cli/terminal.ts";
import { verify } from "../../src/cli/verify.ts";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { namedModule } from "../../src/runs/plan/study_parts.ts";
import { findResults } from "../../src/runs/plan/study_file.ts";
import {
  checkTrust,
  type NamedModule,
  type Trust,
  UntrustedCodeError,
} from "../../src/runs/method_modules.ts";
import { verifyStudy } from "../../src/runs/after/verify.ts";
import { methodText, studyText, sweepModule, withOwnStudy } from "./own_study.ts";
import { copyFolder } from "./tiny_study.ts";

/** URLs of the study modules that have run in this process. */
const ran: string[] = [];
Object.assign(globalThis, { ran });

/** A study module that says that it runs, and files that it imports by odd names. */
const files = {
  "$helper.ts": "export const helped = 1;\n",
  "own.ts": `import "./$helper.ts";\n${methodText.replace("./numbers.ts", "./numbers.ts?v=1")}`,
  "study.ts": `${
    studyText.replace('"seeds":[1,2]', '"seeds":[1]')
  }\n(globalThis as unknown as { ran?: string[] }).ran?.push(import.meta.url);\n`,
};

/** Results, and what they name. */
interface Copied {
  readonly results: string;
  readonly run: string;
  /** As the results name it. */
  readonly study: string;
  readonly hash: string;
  /** Whether its code has run. */
  readonly hasRun: () => boolean;
}

/** Copies swept results with their study, as somebody else's would arrive: their code has not run here. */
async function copied(home: string, name: string): Promise<Copied> {
  const place = `${home}/${name}`;
  await copyFolder(`${home}/results/with-own`, `${place}/with-own`);
  for (const file of ["study.ts", "own.ts", "numbers.ts", "$helper.ts"]) {
    await Deno.copyFile(`${home}/${file}`, `${place}/${file}`);
  }
  const results = `${place}/with-own`;
  const runs = [...Deno.readDirSync(results)].filter(({ name }) => name.includes("-own-"));
  let study = "";
  let hash = "";
  for (const path of ["study.json", ...runs.map(({ name }) => `${name}/record.json`)]) {
    const json = JSON.parse(await Deno.readTextFile(`${results}/${path}`));
    const named = path === "study.json" ? json.methods[0] : json.where.method;
    study = named.study.replace(/study\.ts$/, `${name}/study.ts`);
    hash = named.hash;
    Object.assign(named, { study, module: study });
    await Deno.writeTextFile(`${results}/${path}`, JSON.stringify(json));
  }
  assert(runs.length > 0 && study !== "");
  const url = `/${name}/study.ts`;
  return {
    results,
    run: `${results}/${runs[0]!.name}`,
    study,
    hash,
    hasRun: () => ran.some((href) => href.endsWith(url)),
  };
}

async function withSwept(check: (home: string) => Promise<void>): Promise<void> {
  await withOwnStudy(async (home) => {
    const { finished, failed } = await sweepModule(home, { jobs: 1 });
    assertEquals([finished, failed], [2, 0]);
    await check(home);
  }, files);
}

const none = { data: null, model: null, device: null, jobs: 1, threads: 1, sample: null };

function verifying({ results }: Copied, trust?: Trust) {
  const options = { ...none, seed: 0, tolerance: 1e-4 };
  return verifyStudy(results, trust === undefined ? options : { ...options, trust });
}

function ablating({ results }: Copied, trust?: Trust) {
  const options = { ...none, replay: false };
  return ablateStudy(results, trust === undefined ? options : { ...options, trust });
}

function exporting({ run }: Copied, out: string, trust?: Trust) {
  const options = { format: "peft", out, baseName: "bert" } as const;
  return exportRun(run, trust === undefined ? options : { ...options, trust });
}

Deno.test("code that results name runs for no command unasked, and for each one that is asked", async (t) => {
  await withSwept(async (home) => {
    const results = await copied(home, "others");
    const out = `${home}/out`;
    const wrong = "0".repeat(64);

    await t.step("it is refused before any work, with its path and hash", async () => {
      const calls: readonly (() => Promise<unknown>)[] = [
        () => verifying(results),
        () => ablating(results),
        () => exporting(results, out),
        () => verifying(results, [wrong]),
        () => ablating(results, () => false),
        () => verify([results.results]),
        () => ablate([results.results, "--no-replay"]),
        () => exportCommand([results.run, "--format", "peft", "--out", out]),
        () => verify([results.results, `--trust=${wrong}`]),
      ];
      for (const call of calls) {
        const error = await assertRejects(call, UntrustedCodeError);
        assert(error instanceof UsageError);
        assertEquals(error.modules.map(({ path }) => path), [results.study]);
        const [{ hash }] = error.modules as [NamedModule];
        assertStringIncludes(
          error.message,
          `"${results.study}" (SHA-256 ${hash}), which the results`,
        );
        assertStringIncludes(error.message, "--trust=HASH");
      }
      assertEquals(results.hasRun(), false);
      for (const path of [out, `${results.results}/verify`, `${results.run}/ablation.json`]) {
        await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
      }
    });

    await t.step("a report needs none of it", async () => {
      assertEquals(await report([results.results]), 0);
      assertEquals(results.hasRun(), false);
    });

    await t.step("with its hash it is verified", async () => {
      const { runs } = await verifying(results, [results.hash]);
      assertEquals(runs.map(({ verdict }) => verdict), ["bit-equal", "bit-equal"]);
      assert(results.hasRun());
    });

    await t.step("where a function says so, it is ablated and exported", async () => {
      const [first, second] = [await copied(home, "first"), await copied(home, "second")];
      const asked: NamedModule[] = [];
      const yes = (module: NamedModule) => asked.push(module) > 0;
      assertEquals((await ablating(first, yes)).ablated, 2);
      await exporting(second, out, yes);
      assertEquals(asked.map(({ path, methods }) => [path, methods]), [
        [first.study, ["own"]],
        [second.study, ["own"]],
      ]);
      assert(first.hasRun() && second.hasRun());
    });

    await t.step("--trust lets a command run it", async () => {
      const own = await copied(home, "flag");
      const args = [own.run, "--format", "peft", "--out", `${home}/flag-out`];
      await exportCommand(["--trust", ...args]);
      assert(own.hasRun());
    });

    await t.step("the study itself, named by its file, finds its results and may run", async () => {
      const own = await copied(home, "named");
      const folder = own.results.replace(/\/with-own$/, "");
      assertEquals(await findResults(`${folder}/study.ts`, folder), own.results);
      assertEquals(own.hasRun(), false);
      assertEquals(
        await verify([`${folder}/study.ts`, "--results", folder, "--sample", "1"]),
        0,
      );
      assert(own.hasRun());
    });

    await t.step(
      "a changed file that it imports is found, whatever the import is like",
      async () => {
        const others = await copied(home, "helpers");
        const folder = others.results.replace(/\/with-own$/, "");
        for (const file of ["numbers.ts", "$helper.ts"]) {
          const text = await Deno.readTextFile(`${folder}/${file}`);
          await Deno.writeTextFile(`${folder}/${file}`, `${text}// Changed since.\n`);
          await assertRejects(() => verifying(others, [others.hash]), UsageError, "found that the");
          await Deno.writeTextFile(`${folder}/${file}`, text);
        }
        assertEquals(others.hasRun(), false);
      },
    );

    await t.step("code that is other than what was trusted does not run", async () => {
      const changed = await copied(home, "changed");
      const change: Trust = async ({ path }) => {
        await Deno.writeTextFile(path, `${files["study.ts"]}// Changed since.\n`);
        return true;
      };
      await assertRejects(() => verifying(changed, change), UsageError, "which was allowed to run");
      assertEquals(changed.hasRun(), false);
    });
  });
});

Deno.test("a path that somebody chose stays in its line", () => {
  const path = "a\n  b\u001b[2J.ts";
  const modules = [{ path, hash: "c".repeat(64), uncovered: [], methods: ["own\n"], metrics: [] }];
  const { message } = new UntrustedCodeError(modules);
  assertStringIncludes(message, `"a\\n  b\\u001b[2J.ts" (SHA-256 ${"c".repeat(64)})`);
  assertStringIncludes(message, 'name for "own\\n"');
});

Deno.test("a hash alone trusts no module that may run what it does not cover, and the line is named", async () => {
  const hash = "c".repeat(64);
  const modules = [{
    path: "a.ts",
    hash,
    uncovered: ["b.ts:7: eval"],
    methods: [],
    metrics: ["own"],
  }];
  const error = await assertRejects(() => checkTrust(modules, [hash]), UntrustedCodeError);
  assertStringIncludes(error.message, 'does not cover what it may run at "b.ts:7: eval"');
  await checkTrust(modules, () => true);
});

Deno.test("trustOf accepts all, some hashes, or the study that was named, and shows what it accepts", async () => {
  return await withFolder(async (folder) => {
    const path = `${folder}/study.ts`;
    await Deno.writeTextFile(path, "");
    await Deno.mkdir(`${folder}/study`);
    const [hash, other] = ["a".repeat(64), "b".repeat(64)];
    let uncovered: readonly string[] = [];
    const answer = async (args: readonly string[], study: string | null) => {
      const said: string[] = [];
      const tell = (line: string) => Promise.resolve(void said.push(line));
      const parsed = readArguments(args, { optionals: ["trust"] });
      const trust = await trustOf(parsed, study, tell);
      assert(typeof trust === "function");
      const isTrusted = await trust({ path, hash, uncovered, methods: ["own"], metrics: [] });
      assertEquals(
        said,
        isTrusted ? [`Runs "${path}" (SHA-256 ${hash}), which the results name for "own"`] : [],
      );
      return isTrusted;
    };
    assertEquals(await answer([], null), false);
    assertEquals(await answer(["--trust"], null), true);
    assertEquals(await answer([`--trust=${hash}`], null), true);
    assertEquals(await answer([`--trust=${other}`], null), false);
    assertEquals(await answer([`--trust=${other}`, `--trust=${hash}`], null), true);
    assertEquals(await answer([], path), true);
    assertEquals(await answer([], `${folder}/../${folder.split("/").at(-1)}/study.ts`), true);
    // The folder of the results does not name the module beside it.
    assertEquals(await answer([], `${folder}/study`), false);
    uncovered = ["study.ts:1: eval"];
    assertEquals(await answer([`--trust=${hash}`], null), false);
    assertEquals([await answer(["--trust"], null), await answer([], path)], [true, true]);
    await assertRejects(() => answer(["--trust=abc"], null), UsageError, "64 hexadecimal digits");
  });
});

Deno.test("namedModule takes a bare name for a study in experiments, and no path for a module beside it", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/mine.ts`, "");
    await Deno.writeTextFile(`${folder}/plain.json`, "{}");
    assertEquals(await namedModule("mine", [folder]), `${folder}/mine.ts`);
    assertEquals(await namedModule(`${folder}/mine.ts`, []), `${folder}/mine.ts`);
    for (const name of ["plain", `${folder}/mine`, "mine.ts", "other"]) {
      assertEquals(await namedModule(name, [folder]), null, name);
    }
  });
});

Deno.test("an option whose value may be left out takes no argument for it", () => {
  const parsed = readArguments(["--trust", "results/x", "--trust=abc"], { optionals: ["trust"] });
  assertEquals(parsed.positional, ["results/x"]);
  assertEquals(parsed.optional("trust"), [null, "abc"]);
  assertEquals(readArguments([], { optionals: ["trust"] }).optional("trust"), []);
});
