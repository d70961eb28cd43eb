import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { expand } from "../../src/runs/plan/planning.ts";
import { StudyError } from "../../src/study/check/problems.ts";
import { readStudyData, readStudyFile } from "../../src/runs/plan/study_file.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { withFolder } from "../with_folder.ts";

const repository = decodeURIComponent(new URL("../../", import.meta.url).pathname);

const withFiles = (
  files: Readonly<Record<string, unknown>>,
  check: (folder: string) => Promise<void>,
) => withFolder(check, files);

const axes = { tasks: ["Topic"], methods: ["head"], seeds: [1, 2] };

/** What is said of a study that cannot be read. */
async function refusal(
  path: string,
  kind: "UsageError" | "StudyError" = "UsageError",
): Promise<string> {
  const error = await assertRejects(() => readStudyFile(path), Error);
  assertEquals(error.name, kind, error.message);
  return error.message;
}

Deno.test("a study is laid over the studies that it extends", async () => {
  await withFiles({
    "below.json": {
      name: "below",
      title: "Below",
      description: "Of its own.",
      base: { model: "embedded-random", train: { epochs: 5, dropout: { head: 0.2, hidden: 0.3 } } },
      deltas: [{ when: { task: "Topic" }, set: { train: { epochs: 6 } } }],
      except: [{ seed: 1, method: "full" }],
      sequences: { Both: ["Topic", "Genre"] },
      axes: { ...axes, settings: { "train.batchSize": [8, 16] } },
    },
    "chosen.json": { base: { train: { learningRate: 0.01, dropout: { head: 0.4 } } } },
    "own.json": {
      name: "own",
      extends: ["below", "./chosen.json"],
      base: { train: { dropout: { head: 0.5 } } },
      deltas: [{ when: { seed: 2 }, set: { train: { epochs: 7 } } }],
      except: [{ task: "Genre" }],
      axes: { methods: ["head", "full"], settings: { "train.warmup": [0, 0.1] } },
    },
  }, async (folder) => {
    const { study, path, folder: home } = await readStudyFile(`${folder}/own.json`);
    assertEquals([path, home], [`${folder}/own.json`, folder]);
    assertEquals(
      study,
      parseStudy({
        name: "own",
        base: {
          model: "embedded-random",
          train: { epochs: 5, dropout: { head: 0.5, hidden: 0.3 }, learningRate: 0.01 },
        },
        deltas: [
          { when: { task: "Topic" }, set: { train: { epochs: 6 } } },
          { when: { seed: 2 }, set: { train: { epochs: 7 } } },
        ],
        except: [{ seed: 1, method: "full" }, { task: "Genre" }],
        sequences: { Both: ["Topic", "Genre"] },
        axes: { ...axes, methods: ["head", "full"], settings: { "train.warmup": [0, 0.1] } },
      }),
    );
  });
});

Deno.test("a study extends one of experiments by name, and one that extends another", async () => {
  await withFiles({
    "middle.json": { name: "middle", extends: "quickstart", axes: { seeds: [7] } },
    "own.json": { name: "own", extends: "middle", base: { train: { epochs: 2 } } },
  }, async (folder) => {
    const { study } = await readStudyFile(`${folder}/own.json`);
    const { study: quickstart } = await readStudyFile(`${repository}experiments/quickstart.json`);
    assertEquals(study.axes, { ...quickstart.axes, seeds: [7] });
    assertEquals(study.base?.train, { ...quickstart.base?.train, epochs: 2 });
    assertEquals(study.name, "own");
    assertEquals(study.title, undefined);
  });
});

Deno.test("a study that two others extend is laid under both, once", async () => {
  const delta = (seed: number, epochs: number) => ({ when: { seed }, set: { train: { epochs } } });
  await withFiles({
    "root.json": { name: "root", axes, deltas: [delta(1, 1)], base: { train: { epochs: 1 } } },
    "left.json": { extends: "root", deltas: [delta(1, 2)], base: { train: { epochs: 2 } } },
    "right.json": { extends: "root", deltas: [delta(1, 3)] },
    "own.json": { name: "own", extends: ["left", "right"] },
  }, async (folder) => {
    const { study } = await readStudyFile(`${folder}/own.json`);
    assertEquals(study.deltas, [delta(1, 1), delta(1, 2), delta(1, 3)]);
    // What is under both is not laid over the first of them.
    assertEquals(study.base?.train?.epochs, 2);
  });
});

Deno.test("paths of a study in another folder start from the one that extends it", async () => {
  const task = {
    name: "Mine",
    files: { train: ["a.tsv", { path: "/abs/b.tsv" }], dev: "sub/d.tsv" },
    columns: { text: 0, label: 1 },
    labels: ["no", "yes"],
  };
  const model = "wheel:../enc.whl#inner";
  await withFiles({
    "other/below.json": {
      name: "below",
      base: { model },
      deltas: [{ when: { seed: 1 }, set: { model } }],
      userTasks: [task],
      axes: {
        tasks: ["Mine"],
        methods: [{ method: "lora", ranks: { file: "r.json" } }],
        budgets: [2],
        seeds: [1],
        settings: { model: ["embedded", model] },
      },
    },
    "own.json": { name: "own", extends: "other/below.json" },
    "other/twin.json": { name: "twin", extends: "below" },
  }, async (folder) => {
    const { study } = await readStudyFile(`${folder}/own.json`);
    const moved = "wheel:enc.whl#inner";
    assertEquals(study.base?.model, moved);
    assertEquals(study.deltas?.[0]?.set?.model, moved);
    assertEquals(study.axes.settings, { model: ["embedded", moved] });
    assertEquals(study.axes.methods, [{ method: "lora", ranks: { file: "other/r.json" } }]);
    assertEquals(study.userTasks, [{
      ...task,
      files: { train: ["other/a.tsv", { path: "/abs/b.tsv" }], dev: "other/sub/d.tsv" },
    }]);
    const { study: twin } = await readStudyFile(`${folder}/other/twin.json`);
    assertEquals(twin.base?.model, model);
    assertEquals(twin.userTasks, [task]);
  });
});

Deno.test("a module extends modules and their methods, and JSON files", async () => {
  const source = (path: string) => JSON.stringify(`file://${repository}${path}`);
  const method = `import { lora } from ${source("src/methods/lora.ts")};
    export const methods = [{ ...lora, name: "mine", module: import.meta.url }];`;
  await withFiles({
    "base.json": { base: { train: { epochs: 4 } }, axes: { seeds: [5] } },
    "below.ts": `${method}
      export default { name: "below", axes: { tasks: ["Topic"], methods: ["mine"], budgets: [2], seeds: [1] } };`,
    "own.ts": `import { defineStudy } from ${source("mod.ts")};
      export default defineStudy({ name: "own", extends: ["below.ts", "base"] });`,
    "data.json": { name: "data", extends: "./below.ts" },
  }, async (folder) => {
    const { study, methods } = await readStudyFile(`${folder}/own.ts`);
    assertEquals(study.axes, { tasks: ["Topic"], methods: ["mine"], budgets: [2], seeds: [5] });
    assertEquals(study.base, { train: { epochs: 4 } });
    assertEquals(methods.at(-1)?.name, "mine");
    assertEquals(methods.at(-1)?.origin?.study.endsWith("below.ts"), true);
    assertEquals((await readStudyData(`${folder}/own.ts`)).study, study);
    assertStringIncludes(
      await refusal(`${folder}/data.json`),
      "want a .json file: a module is code, which a .json file may not run",
    );
  });
});

Deno.test("a study that is a value extends nothing: its file is read with what it extends", () => {
  assertThrows(
    () => parseStudy({ name: "own", extends: "quickstart", axes }),
    StudyError,
    'extends: found "quickstart", wanted a study with what it extends; its file is read with that by readStudyFile',
  );
});

Deno.test("circles, missing files and wrong content of extended studies are refused by name", async () => {
  await withFiles({
    "a.json": { name: "a", extends: "b" },
    "b.json": { name: "b", extends: ["c.json"] },
    "c.json": { name: "c", extends: "./b.json" },
    "self.json": { name: "self", axes, extends: "self" },
    "lost.json": { name: "lost", extends: "quickstrat" },
    "number.json": { name: "number", extends: 3 },
    "wrong.json": { name: "wrong", extends: "bad" },
    "bad.json": { axes: { seeds: ["one"] }, bse: {} },
    "broken.json": { name: "broken", extends: "text" },
    "text.json": "{ oops",
    "unnamed.json": { extends: "part", title: "x" },
    "part.json": { name: "part", axes },
    "thin.json": { name: "thin", extends: "thinner" },
    "thinner.json": { axes: { tasks: ["Topic"] } },
  }, async (folder) => {
    const circle = await refusal(`${folder}/a.json`);
    assertStringIncludes(circle, 'Cannot extend "./b.json" in "');
    const chain = circle.slice(circle.indexOf("themselves: ")).replaceAll(/"[^"]*\//g, '"');
    assertEquals(chain, 'themselves: "b.json" extends "c.json" extends "b.json"');
    assertStringIncludes(await refusal(`${folder}/self.json`), "found a circle");
    const lost = await refusal(`${folder}/lost.json`);
    assertStringIncludes(lost, `Cannot extend "quickstrat" in "${folder}/lost.json"`);
    assertStringIncludes(lost, 'Did you mean "quickstart"?');
    assertStringIncludes(
      await refusal(`${folder}/number.json`, "StudyError"),
      "extends: found 3, wanted a string or an array",
    );
    const wrong = await refusal(`${folder}/wrong.json`, "StudyError");
    assertStringIncludes(wrong, 'bad.json", 2 problems:');
    assertStringIncludes(wrong, 'axes.seeds[0]: found "one", wanted a number');
    assertStringIncludes(wrong, 'Did you mean "base"?');
    const broken = await assertRejects(() => readStudyFile(`${folder}/broken.json`));
    assertStringIncludes((broken as Error).message, "text.json");
    assertStringIncludes(
      await refusal(`${folder}/unnamed.json`, "StudyError"),
      'unnamed.json" with what it extends: name: missing, wanted a string',
    );
    const thin = await refusal(`${folder}/thin.json`, "StudyError");
    assertStringIncludes(thin, "axes.methods: missing, wanted an array");
    assertStringIncludes(thin, "axes.seeds: missing, wanted an array");
  });
});

/** What tuning writes of one method. */
const tunedPart = {
  deltas: [{
    when: { method: "lora" },
    set: { train: { learningRate: 0.02 } },
    options: { bRate: 1 },
  }],
  tuned: {
    study: "own",
    hash: "0",
    search: "grid",
    trials: 2,
    seeds: [101],
    heldOut: 0.2,
    seconds: 1,
    runs: 2,
    notBracketed: [],
    best: [{
      method: "lora",
      name: "lora",
      metric: "accuracy",
      values: { "train.learningRate": 0.02, "options.bRate": 1 },
      score: 0.5,
      trials: [],
    }],
  },
};

Deno.test("a study has the settings of the file of its tuning, and is tuned before that is there", async () => {
  const own = {
    name: "own",
    extends: "results/own/tuning/tuned.json",
    axes: { ...axes, methods: ["lora"], budgets: [2] },
  };
  await withFiles({ "own.json": own }, async (folder) => {
    assertStringIncludes(
      await refusal(`${folder}/own.json`),
      "it is not there yet; run deno task tune first",
    );
    const { study } = await readStudyFile(`${folder}/own.json`, `${folder}/results`);
    assertEquals(study.tuned, undefined);
  });
  const files = { "own.json": own, "results/own/tuning/tuned.json": tunedPart };
  await withFiles(files, async (folder) => {
    const { study, methods } = await readStudyFile(`${folder}/own.json`);
    assertEquals<unknown>(study.tuned, tunedPart.tuned);
    const [run] = expand(study, methods);
    assertEquals(run!.settings.train.learningRate, 0.02);
    const tuning = await readStudyFile(`${folder}/own.json`, `${folder}/results`);
    assertEquals([tuning.study.tuned, tuning.study.deltas], [undefined, undefined]);
    // Another tuning's settings are a part like any other.
    const other = await readStudyFile(`${folder}/own.json`, `${folder}/elsewhere`);
    assertEquals<unknown>(other.study.tuned, tunedPart.tuned);
  });
});

Deno.test("a delta that goes before a setting that was tuned is refused, an axis is not", async () => {
  const rate = (learningRate: number) => ({ set: { train: { learningRate } } });
  await withFiles({
    "tuned.json": tunedPart,
    "own.json": {
      name: "own",
      extends: "./tuned.json",
      deltas: [{ when: { task: "Topic" }, ...rate(0.1) }],
      axes: { ...axes, methods: ["lora"], budgets: [2] },
    },
    "varied.json": {
      name: "varied",
      extends: "./tuned.json",
      axes: {
        ...axes,
        methods: ["lora"],
        budgets: [2],
        settings: { "options.alpha": [8, 16] },
      },
    },
  }, async (folder) => {
    const { study, methods } = await readStudyFile(`${folder}/own.json`);
    assertStringIncludes(
      assertThrows(() => expand(study, methods), StudyError).message,
      'run "Topic, lora, r2, seed 1", train.learningRate: found 0.1, wanted 0.02, which tuning chose',
    );
    const varied = await readStudyFile(`${folder}/varied.json`);
    assertEquals(expand(varied.study, methods).length, 4);
  });
});
