/** A study's own tasks as they are read: drawn dev splits, several files, and what is warned of. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { runData } from "../../../src/train/run_data.ts";
import { studyWarnings } from "../../../src/runs/plan/planned_study.ts";
import { readStoredStudy } from "../../../src/runs/stored_study.ts";
import { readStudyResults } from "../../../src/runs/study_results.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import type { UserTask } from "../../../src/tasks/user_task.ts";
import { inHome, planIn, planTextIn, tinyStudy, withSwept } from "../tiny_study.ts";

const [moves] = tinyStudy.userTasks as unknown as readonly UserTask[];

function studyOf(task: Partial<UserTask>, train: Study["base"] = {}): Study {
  return parseStudy({
    ...tinyStudy,
    base: { ...tinyStudy.base, train: { ...tinyStudy.base!.train, ...train.train } },
    deltas: [],
    userTasks: [{ ...moves, ...task }],
    axes: { tasks: ["Moves"], methods: ["head"], seeds: [1, 2] },
  });
}

async function warningsOf(home: string, study: Study): Promise<readonly string[]> {
  const { runs, inputs } = await planIn(home, study);
  return (await studyWarnings(runs, inputs)).map(({ text }) => text);
}

const onlyTrain = { train: "moves/train.tsv" };

Deno.test("a dev split drawn from train is the same for all seeds, and a part of what a run is", async () => {
  await inHome(async (home) => {
    const drawn = await planIn(home, studyOf({ files: onlyTrain, dev: 0.2 }));
    const { inputs, runs } = drawn;
    const { splits } = await inputs.task("Moves");
    assertEquals([...splits.keys()], ["train", "dev"]);
    // 40 calm and 40 lively sentences.
    assertEquals([splits.get("train")!.length, splits.get("dev")!.length], [64, 16]);
    const evaluated = await Promise.all(
      runs.map(async ({ run }) => runData(run, await inputs.read(run))),
    );
    assertEquals(evaluated[0]!.splits[0]!.ids, evaluated[1]!.splits[0]!.ids);
    assertEquals(evaluated[0]!.splits.map(({ name }) => name), ["dev"]);
    assertEquals(evaluated[0]!.stages[0]!.trainExamples, 64);
    const ids = runs.map(({ id }) => id);
    const again = await planIn(home, studyOf({ files: onlyTrain, dev: 0.2 }));
    assertEquals(again.runs.map(({ id }) => id), ids);
    const other = await planIn(home, studyOf({ files: onlyTrain, dev: 0.25 }));
    assertNotEquals(other.runs[0]!.id, ids[0]);
    assertEquals(Object.keys(runs[0]!.hashes.data), [
      "Moves: columns and labels",
      "moves/train.tsv",
      "Moves: dev drawn from train",
    ]);
  });
});

Deno.test("a split of two files holds the rows of both, and a missing one is named", async () => {
  await inHome(async (home) => {
    await Deno.writeTextFile(`${home}/moves/more.csv`, "text,label\nthe cat sat,calm\n");
    const files = { train: ["moves/train.tsv", "moves/more.csv"], dev: "moves/dev.tsv" };
    const { inputs, runs } = await planIn(home, studyOf({ files }));
    const train = (await inputs.task("Moves")).splits.get("train")!;
    assertEquals([train.length, train.at(-1)], [
      81,
      { id: 80, text: "the cat sat", pair: null, target: 0 },
    ]);
    assert("moves/more.csv" in runs[0]!.hashes.data);
    const gone = studyOf({ files: { ...files, train: ["moves/train.tsv", "moves/gone.csv"] } });
    await assertRejects(() => planIn(home, gone), Error, "moves/gone.csv");
  });
});

Deno.test("a study is warned of one file for both, of shared texts, of labels and of texts that are cut", async () => {
  await inHome(async (home) => {
    assertEquals(await warningsOf(home, tinyStudy), []);
    const same = studyOf({ files: { train: "moves/train.tsv", dev: "moves/train.tsv" } });
    assertEquals(await warningsOf(home, same), [
      'Moves: dev and train are one file, "moves/train.tsv": 80 of 80 dev texts are trained on.',
    ]);
    const leaking = "text\tlabel\nthe cat sat on the mat red\tcalm\nnew\tlively\n";
    await Deno.writeTextFile(`${home}/moves/leaking.tsv`, leaking);
    const odd = studyOf({
      files: { train: "moves/train.tsv", dev: "moves/leaking.tsv" },
      labels: ["calm", "lively", "asleep"],
    }, { train: { maxLength: 8 } });
    assertEquals(await warningsOf(home, odd), [
      "Moves: 1 of 2 dev texts also occurs in train.",
      'Moves: 1 of 3 labels never occurs in train: "asleep" (0 of 2 dev texts).',
      // "the cat", "a dog" and "the bird" with an action of four words and one word more.
      "Moves: 20 of 80 train texts (25 %) are longer than maxLength, 8 tokens, and cut.",
      "Moves: 1 of 2 dev texts (50 %) is longer than maxLength, 8 tokens, and cut.",
    ]);
  });
});

Deno.test("a dev split of one example or of one label is warned of", async () => {
  await inHome(async (home) => {
    const warningsWith = async (rows: readonly string[]) => {
      await Deno.writeTextFile(`${home}/moves/few.tsv`, ["text\tlabel", ...rows, ""].join("\n"));
      const files = { train: "moves/train.tsv", dev: "moves/few.tsv" };
      return await warningsOf(home, studyOf({ files }));
    };
    const end = ", so that its score cannot tell good models from bad ones.";
    assertEquals(await warningsWith(["a dog sat\tcalm"]), [`Moves: dev has one example${end}`]);
    assertEquals(await warningsWith(["a dog sat\tcalm", "he sat\tcalm"]), [
      `Moves: all 2 dev examples have the label "calm"${end}`,
    ]);
    assertEquals(await warningsWith(["a dog sat\tcalm", "he ran\tlively"]), []);
  });
});

Deno.test("texts that just fit are not cut", async () => {
  await inHome(async (home) => {
    // The tokens of a text, [CLS] and [SEP].
    const rows = ["the cat sat", "a dog ran", "she sat on", "he ran under the tree"];
    const labels = ["calm", "lively", "calm", "lively"];
    const text = ["text\tlabel", ...rows.map((row, i) => `${row}\t${labels[i]}`), ""].join("\n");
    await Deno.writeTextFile(`${home}/moves/short.tsv`, text);
    const files = { train: "moves/short.tsv", dev: "moves/dev.tsv" };
    const five = await warningsOf(home, studyOf({ files }, { train: { maxLength: 5 } }));
    assertStringIncludes(five[0]!, "Moves: 1 of 4 train texts (25 %)");
    const seven = await warningsOf(home, studyOf({ files }, { train: { maxLength: 7 } }));
    assert(!seven.some((warning) => warning.includes("train texts")), seven.join());
  });
});

Deno.test("a large split is measured by a sample, and says so", async () => {
  await inHome(async (home) => {
    const rows = Array.from(
      { length: 5000 },
      (_, i) =>
        `${i % 2 === 0 ? "the cat sat on the mat" : "cat"} ${i}\t${i % 2 ? "calm" : "lively"}`,
    );
    await Deno.writeTextFile(`${home}/moves/large.tsv`, `text\tlabel\n${rows.join("\n")}\n`);
    const files = { train: "moves/large.tsv", dev: "moves/dev.tsv" };
    const [train] = await warningsOf(home, studyOf({ files }, { train: { maxLength: 6 } }));
    const share = /^Moves: (?<count>[\d,]+) of 4,000 sampled train texts/.exec(train!)!;
    const count = Number(share.groups!["count"]!.replace(",", ""));
    assert(count > 1900 && count < 2100, train);
  });
});

Deno.test("plan, sweep and the results hold the warnings", async () => {
  const study = studyOf({ files: onlyTrain, dev: 0.2, metrics: ["macroF1"] }, {
    train: { maxLength: 8 },
  });
  await withSwept(async ({ home, folder, recordOf }) => {
    const { warnings } = await readStoredStudy(folder);
    assertEquals(warnings!.map(({ kind }) => kind), ["cut-texts", "cut-texts"]);
    assertEquals((await readStudyResults(folder)).warnings, warnings);
    const plan = await planTextIn(home, study, { results: home });
    assertStringIncludes(plan, `\nWarning: ${warnings![0]!.text}`);
    const { happened, where } = recordOf("head");
    assertEquals(happened.primaryMetric, "macroF1");
    // Half of the drawn texts are of each label: one label is right in half of them.
    assertEquals(happened.majority, { macroF1: 1 / 3 });
    assert("Moves: dev drawn from train" in where.hashes.data);
  }, study);
});
