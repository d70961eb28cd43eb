import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError, UsageError } from "../../src/base/input_error.ts";
import type { Json } from "../../src/base/canonical_json.ts";
import { models } from "../../src/cli/models.ts";
import { expand, planRuns } from "../../src/runs/plan/planning.ts";
import { findStudyFile, studyFolders } from "../../src/runs/plan/study_parts.ts";
import { readStudyFile } from "../../src/runs/plan/study_file.ts";
import { sweep } from "../../src/cli/sweep.ts";
import { readArguments, wholeNumber } from "../../src/cli/terminal.ts";
import { textTable } from "../../src/base/text_table.ts";
import { methods } from "../../src/methods/table.ts";
import { StudyError } from "../../src/study/check/problems.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { tinyStudy } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

const spec = { strings: ["data", "device"], flags: ["dry-run"] };

/** Runs `check` in a folder of its own. */
async function inFolder(check: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await check(folder);
  });
}

Deno.test("readArguments takes options with values, flags and names", () => {
  const parsed = readArguments(["rte", "--data", "here", "--dry-run"], spec);
  assertEquals(parsed.positional, ["rte"]);
  assertEquals(parsed.text("data"), "here");
  assertEquals(parsed.text("device"), null);
  assertEquals(parsed.flag("dry-run"), true);
});

Deno.test("readArguments names the closest option for one that is not known", () => {
  assertThrows(() => readArguments(["--dta", "x"], spec), UsageError, 'Did you mean "--data"?');
  assertThrows(() => readArguments(["--data"], spec).text("data"), UsageError, "no value");
});

Deno.test("wholeNumber refuses what is none", () => {
  assertEquals(wholeNumber("4", "threads"), 4);
  assertEquals(wholeNumber(null, "threads"), null);
  for (const wrong of ["0", "-1", "1.5", "two"]) {
    assertThrows(() => wholeNumber(wrong, "threads"), UsageError, `"--threads" is "${wrong}"`);
  }
});

Deno.test("textTable aligns numbers to the right and words to the left", () => {
  assertEquals(
    textTable(["name", "n"], [["a", "1"], ["bcd", "20"]]),
    "name   n\na      1\nbcd   20\n",
  );
});

Deno.test("a study file that is missing is told with the studies that exist", async () => {
  const error = await assertRejects(() => readStudyFile("quickstrat"), UsageError);
  assertStringIncludes(error.message, 'Did you mean "quickstart"?');
});

Deno.test("studies by name are found beside ranklab, wherever the command is started", async () => {
  const [here, own] = studyFolders();
  assertEquals(here, "experiments");
  assertEquals(await findStudyFile("quickstart", [own!]), `${own}/quickstart.json`);
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/quickstart.json`, "{}");
    assertEquals(
      await findStudyFile("quickstart", [`${folder}/none`, folder, own!]),
      `${folder}/quickstart.json`,
    );
    const error = await assertRejects(
      () => findStudyFile("quickstart", [`${folder}/none`]),
      UsageError,
    );
    assertStringIncludes(error.message, `there are no studies in "${folder}/none"`);
  });
});

Deno.test("deno task models wants a verb that it knows, and names for it", async () => {
  for (const args of [["get", "hub:someone/tiny"], ["fetch"], ["list"]]) {
    const error = await assertRejects(() => models(args), UsageError);
    assertStringIncludes(error.message, "deno task models");
  }
});

Deno.test("a study file that is no JSON is told with its line", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/broken.json`;
    await Deno.writeTextFile(path, '{\n  "name": "x",\n  oops\n}\n');
    const error = await assertRejects(() => readStudyFile(path), InputError);
    assertStringIncludes(error.message, path);
    assertStringIncludes(error.message, "line 3");
  });
});

Deno.test("a study can be a TypeScript module", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/study.ts`;
    const axes = { tasks: ["Topic"], methods: ["lora"], budgets: [2], seeds: [1] };
    await Deno.writeTextFile(path, `export default ${JSON.stringify({ name: "typed", axes })};\n`);
    const { study, folder: found } = await readStudyFile(path);
    assertEquals([study.name, found], ["typed", folder]);
    assertEquals(expand(study, methods).length, 1);
  });
});

Deno.test("a study module may hold text that looks like a URL and is none; a method's module that is none is named", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/study.ts`;
    const study = { name: "odd", axes: { tasks: ["Topic"], methods: ["head"], seeds: [1] } };
    const text = `export const odd = ["file://[bad/x.ts", "file://%zz/y.ts"];
export default ${JSON.stringify(study)};\n`;
    await Deno.writeTextFile(path, text);
    assertEquals((await readStudyFile(path)).study.name, "odd");
    const own = `${folder}/own.ts`;
    await Deno.writeTextFile(
      own,
      `import { methods as all } from "${import.meta.resolve("../../src/methods/table.ts")}";
${text}export const methods = [{ ...all[0], name: "mine", module: "file://[bad/x.ts" }];\n`,
    );
    await assertRejects(
      () => readStudyFile(own),
      TypeError,
      'Cannot add the method "mine": found the module "file://[bad/x.ts", want the URL of the file',
    );
  });
});

Deno.test("a module without a study says what it exports and how a study is exported", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/study.ts`;
    await Deno.writeTextFile(path, 'export const study = { name: "typed" };\n');
    const error = await assertRejects(() => readStudyFile(path), UsageError);
    assertStringIncludes(error.message, `"${path}": it exports "study" only`);
    assertStringIncludes(error.message, "export default defineStudy({\n  name:");
    // The example is a study.
    const [, example] = /defineStudy\((\{[\s\S]*\})\);/.exec(error.message)!;
    const study = parseStudy(new Function(`return ${example}`)());
    assertEquals(expand(study, methods).length, 6);
    const empty = `${folder}/empty.ts`;
    await Deno.writeTextFile(empty, "export {};\n");
    await assertRejects(() => readStudyFile(empty), UsageError, "it exports nothing");
  });
});

Deno.test("a sweep on an unknown device says which exist, before anything is written", async () => {
  await inFolder(async (folder) => {
    const error = await assertRejects(
      () => sweep(["quickstart", "--device", "cuda", "--results", folder]),
      RangeError,
    );
    assertStringIncludes(error.message, '"webgpu", "cpu", "wasm"');
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a task of the user's own that is wrong is told by its name and its own place, each problem for itself", () => {
  const [own] = tinyStudy.userTasks as readonly Readonly<Record<string, Json>>[];
  const second = { ...own!, name: "Second", metrics: ["pearson"], labels: ["a", "a"] };
  const study = parseStudy({ ...tinyStudy, userTasks: [own, second] });
  const error = assertThrows(() => expand(study, methods), StudyError);
  assertEquals(error.problems.map(({ where }) => where), [
    'task "Second", userTasks[1].labels[1]',
    'task "Second", userTasks[1].metrics[0]',
  ]);
});

Deno.test("a study's file is told of wrong keys and values together with unknown names", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/wrong.json`;
    const axes = { tasks: ["Topc"], methods: ["lora", "elalor"], budgets: [2], seeds: [1] };
    const base = { train: { steps: 0, epoch: 3 } };
    const deltas = [{ when: { method: "lora" }, set: { train: { dropout: { heads: 1 } } } }];
    const problemsIn = async (study: object) => {
      await Deno.writeTextFile(path, JSON.stringify(study));
      const error = await assertRejects(() => readStudyFile(path), StudyError);
      return error.problems.map(({ where }) => where);
    };
    assertEquals(await problemsIn({ name: "wrong", base, deltas, axes }), [
      "base.train.steps",
      "base.train.epoch",
      "deltas[0].set.train.dropout.heads",
      "axes.methods[1]",
      "axes.tasks[0]",
    ]);
    // Names that a wrong key may have given are not told as unknown.
    const misspelt = { name: "wrong", base, axes, sequence: { Topc: ["Topic", "Genre"] } };
    assertEquals(await problemsIn(misspelt), ["base.train.steps", "base.train.epoch", "sequence"]);
  });
});

Deno.test("planRuns lists all that stops a study at once", async () => {
  const study = parseStudy({
    ...tinyStudy,
    base: { model: "embedded", train: { steps: 10, maxLength: 500 } },
    userTasks: [],
    axes: {
      tasks: ["Topic"],
      methods: ["lora", { method: "elalora", options: { initWarmup: 6, finalWarmup: 6 } }],
      budgets: [{ parameters: 100 }],
      seeds: [1],
    },
    deltas: [],
  });
  const error = await assertRejects(
    () => planRuns(study, expand(study, methods), { data: null, model: null, study: "." }, methods),
    StudyError,
  );
  assertStringIncludes(error.message, "100 parameters");
  assertStringIncludes(error.message, "initWarmup");
  assertStringIncludes(error.message, "maxLength 500");
});

Deno.test("a GLUE task without --data, and a folder model without --model, say what to give", async () => {
  const study = parseStudy({
    ...tinyStudy,
    userTasks: [],
    deltas: [],
    axes: { tasks: ["RTE"], methods: ["head"], seeds: [1] },
  });
  const error = await assertRejects(
    () => planRuns(study, expand(study, methods), { data: null, model: null, study: "." }, methods),
    StudyError,
  );
  assertStringIncludes(error.message, "--data DIR");
  assertStringIncludes(error.message, "--model DIR");
});
