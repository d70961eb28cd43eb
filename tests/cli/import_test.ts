import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError, UsageError } from "../../src/base/input_error.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { importCommand } from "../../src/cli/import.ts";
import { importPeft } from "../../src/runs/share/import.ts";
import {
  contentsText,
  evaluateModel,
  importAdapter,
  type ImportBase,
} from "../../src/runs/share/imported_model.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { interpret } from "../../src/graph/mod.ts";
import { loadEncoder, loadHead } from "../../src/models/load.ts";
import { plainModel } from "../../src/models/plain_model.ts";
import {
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from "../../src/models/safetensors.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { expected, goldenFiles, goldenModel } from "../models/fixture.ts";
import { batchOf } from "../models/golden_tokens.ts";
import { tinyTask } from "../train/fixture.ts";
import { tinyModel, tinyStudy, withSwept } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

const goldenFolder = decodeURIComponent(new URL("../golden/peft", import.meta.url).pathname);

/** What peft computed (`tests/golden/peft_adapter.py`): logits without and with the adapter. */
const golden = JSON.parse(Deno.readTextFileSync(`${goldenFolder}/adapter_logits.json`)) as Readonly<
  Record<string, { readonly base: readonly number[]; readonly logits: readonly number[] }>
>;

function goldenFeeds() {
  const { size, length } = expected;
  const i64 = (values: readonly number[]) =>
    ({ type: "i64", shape: [size, length], data: BigInt64Array.from(values, BigInt) }) as const;
  return {
    input_ids: i64(expected.ids),
    attention_mask: i64(expected.mask),
    token_type_ids: i64(expected.types),
  };
}

/** The golden model with the head that its folder has. */
function withHead(): ImportBase {
  const model = goldenModel();
  return { ...model, head: loadHead(model.config, goldenFiles.weights, "golden") };
}

Deno.test("importAdapter gives the logits of peft: patterns of ranks and alphas, rsLoRA, DoRA, a head that is the base's", async () => {
  const model = withHead();
  for (const name of ["lora", "rslora", "dora", "headless"]) {
    const { tensors, contents } = await importAdapter(`${goldenFolder}/${name}`, model, 3);
    const { layers, wholeTensors, wholeParameters, baseHead, baseModel } = contents;
    assertEquals([layers, baseModel], [10, "bert"]);
    assertEquals(
      [wholeTensors, wholeParameters, baseHead],
      name === "headless" ? [0, 0, ["classifier.weight", "classifier.bias"]] : [2, 3 * 16 + 3, []],
    );
    const { logits } = interpret(plainModel(model.config, tensors), goldenFeeds(), {
      batch: expected.size,
      seq: expected.length,
    });
    const { logits: wanted, base } = golden[name]!;
    assertEquals(logits!.data.length, wanted.length);
    wanted.forEach((value, i) => assertAlmostEquals(logits!.data[i]!, value, 1e-5));
    assert(wanted.some((value, i) => Math.abs(value - base[i]!) > 0.1));
  }
});

interface Adapter {
  readonly config: Record<string, unknown>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Of a head in a file of its own. */
  readonly head?: ReadonlyMap<string, StoredTensor>;
}

async function goldenAdapter(name = "lora"): Promise<Adapter> {
  const path = `${goldenFolder}/${name}/adapter_model.safetensors`;
  const { tensors } = readSafetensors(await Deno.readFile(path), path);
  const text = await Deno.readTextFile(`${goldenFolder}/${name}/adapter_config.json`);
  return { config: JSON.parse(text), tensors };
}

/** Writes a changed adapter and imports it. */
async function importChanged(
  { config, tensors, head }: Adapter,
  outputs = 3,
  base: ImportBase = goldenModel(),
): ReturnType<typeof importAdapter> {
  return await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/adapter_config.json`, JSON.stringify(config));
    await Deno.writeFile(`${folder}/adapter_model.safetensors`, writeSafetensors(tensors));
    if (head !== undefined) {
      await Deno.writeFile(`${folder}/head.safetensors`, writeSafetensors(head));
    }
    return await importAdapter(folder, base, outputs);
  });
}

const query = "base_model.model.bert.encoder.layer.0.attention.self.query";

Deno.test("importAdapter names what it cannot compute", async () => {
  const { config, tensors } = await goldenAdapter();
  const cases: readonly [Readonly<Record<string, unknown>>, string][] = [
    [{ peft_type: "ADALORA" }, 'found peft_type "ADALORA", want "LORA"'],
    [{ peft_type: null }, "found peft_type missing"],
    [{ use_qalora: true }, 'found QALoRA (key "use_qalora")'],
    [{ lora_bias: true }, "a bias in LoRA's B"],
    [{ bias: "all" }, 'found bias "all", want "none"'],
    [{ target_parameters: ["x"] }, "LoRA on parameters"],
    [{ init_lora_weights: "pissa_niter_4" }, "which changes the base's weights"],
    [{ r: 0 }, 'key "r"'],
    [{ r: 1e9 }, 'key "r": found 1000000000, wanted at most 65536'],
    [{ rank_pattern: { "query(?!x)": 2 } }, "without looking ahead or behind"],
    [{ alpha_pattern: { "(a)\\1": 2 } }, "without back references"],
  ];
  for (const [change, message] of cases) {
    await assertRejects(
      () => importChanged({ config: { ...config, ...change }, tensors }),
      InputError,
      message,
    );
  }
});

Deno.test("importAdapter tries patterns of a config without backtracking", async () => {
  const { config, tensors } = await goldenAdapter();
  const withPattern = (pattern: string) => {
    const rank_pattern = { [pattern]: 7, ...config["rank_pattern"] as object };
    return importChanged({ config: { ...config, rank_pattern }, tensors });
  };
  // The first has no match anywhere, so that nothing changes; the second takes every module.
  assertEquals(
    (await withPattern("(?:[a-z0-9._]+)+!")).tensors,
    (await importChanged({ config, tensors })).tensors,
  );
  await assertRejects(() => withPattern("(?:[a-z0-9._]+)+"), InputError, "want [7, 16]");
});

Deno.test("importAdapter wants a head for the model's number of labels, from the adapter or its base", async () => {
  const { config, tensors } = await goldenAdapter();
  const headless = new Map([...tensors].filter(([name]) => !name.includes("classifier")));
  await assertRejects(
    () => importChanged({ config, tensors: headless }),
    InputError,
    'neither the adapter nor its base has "classifier.weight"',
  );
  await assertRejects(
    () => importChanged({ config, tensors }, 2),
    InputError,
    "want [2] as the model has; the adapter is for another model or another number of labels",
  );
});

Deno.test("importAdapter takes nothing but a head from head.safetensors", async () => {
  const { config, tensors } = await goldenAdapter("headless");
  const { tensors: own } = await goldenAdapter("lora");
  const prefix = "base_model.model.";
  const head = new Map(
    [...own].filter(([name]) => name.includes("classifier"))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor] as const),
  );
  await importChanged({ config, tensors, head });
  await assertRejects(
    () => importChanged({ config, tensors, head: tensors }),
    InputError,
    'head.safetensors": found LoRA\'s tensors of "encoder.layer.0',
  );
  await assertRejects(
    () => importChanged({ config, tensors, head }, 2),
    InputError,
    'head.safetensors": tensor "classifier.',
  );
});

Deno.test("importAdapter refuses a base's head for another number of classes, by its shape", async () => {
  const adapter = await goldenAdapter("headless");
  await assertRejects(
    () => importChanged(adapter, 2, withHead()),
    InputError,
    'the base has "classifier.weight" [3,16], want [2,16] for this task',
  );
});

/** The tensors with some numbers of one in the place of its first. */
function withNumbers(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  numbers: readonly number[],
): ReadonlyMap<string, StoredTensor> {
  const { shape, data } = tensors.get(name)!;
  const changed = data.slice();
  changed.set(numbers);
  return new Map([...tensors, [name, { shape, data: changed }]]);
}

Deno.test("numbers that are none are refused by tensor and count, in an adapter and in its base", async () => {
  const { config, tensors } = await goldenAdapter();
  const cases: readonly [string, readonly number[], string][] = [
    [
      `${query}.lora_A.weight`,
      [NaN, Infinity],
      `2 of 48 numbers of tensor "${query}.lora_A.weight"`,
    ],
    [
      "base_model.model.classifier.bias",
      [-Infinity],
      '1 of 3 numbers of tensor "base_model.model.c',
    ],
  ];
  for (const [name, numbers, message] of cases) {
    const changed = withNumbers(tensors, name, numbers);
    await assertRejects(() => importChanged({ config, tensors: changed }), InputError, message);
  }
  const large = withNumbers(tensors, `${query}.lora_A.weight`, [3e38]);
  await assertRejects(
    () => importChanged({ config: { ...config, lora_alpha: 1e6 }, tensors: large }),
    InputError,
    'merging overflows, found 16 of 256 numbers of tensor "encoder.layer.0.attention.self.query.weight"',
  );
  const path = "golden/model.safetensors";
  const stored = readSafetensors(goldenFiles.weights, path).tensors;
  const load = (name: string) => {
    const weights = writeSafetensors(withNumbers(stored, name, [NaN]));
    loadHead(goldenModel().config, weights, "golden");
    loadEncoder({ ...goldenFiles, weights }, "golden");
  };
  for (const name of ["bert.encoder.layer.1.output.dense.bias", "classifier.bias"]) {
    assertThrows(
      () => load(name),
      InputError,
      `Cannot load "${path}": found 1 of ${
        stored.get(name)!.data.length
      } numbers of tensor "${name}" that are NaN or infinite`,
    );
  }
});

Deno.test("evaluateModel refuses a model whose outputs overflow", async () => {
  const { config, tensors } = await importAdapter(`${goldenFolder}/headless`, withHead(), 3)
    .then(({ tensors }) => ({ config: goldenModel().config, tensors }));
  const bias = { type: "f32", shape: [3], data: Float32Array.of(3e38, -3e38, 0) } as const;
  const large = tensors.get("classifier.weight")!;
  const weight = { ...large, data: new Float32Array(large.data.length).fill(3e38) };
  const changed = new Map([...tensors, ["classifier.bias", bias], ["classifier.weight", weight]]);
  const output = { type: "classification", labels: ["a", "b", "c"] } as const;
  const task = { ...tinyTask, output };
  const split = {
    name: "dev",
    targets: [0, 1, 2],
    ids: [0, 1, 2],
    batches: [batchOf(expected, [0, 1, 2])],
  };
  const evaluate = (own: typeof tensors) =>
    nativeExecutor(1).then((executor) =>
      evaluateModel(executor, { config, tensors: own }, task, [split])
    );
  assert(Number.isFinite((await evaluate(tensors))[0]!.loss));
  await assertRejects(() => evaluate(changed), RangeError, 'on "dev": found loss NaN');
});

Deno.test("contentsText counts tensors as tensors and parameters as parameters", () => {
  const contents = {
    kind: "LoRA",
    layers: 12,
    layerParameters: 12_288,
    wholeTensors: 4,
    wholeParameters: 16_770,
    baseHead: [],
    baseModel: "bert",
  } as const;
  assertEquals(
    contentsText(contents),
    "LoRA on 12 linear layers (12,288 parameters), 4 tensors saved whole (16,770 parameters); made for bert",
  );
  const bare = {
    ...contents,
    kind: "DoRA",
    layers: 1,
    wholeTensors: 0,
    baseHead: ["classifier.weight", "classifier.bias"],
    baseModel: null,
  } as const;
  assertEquals(
    contentsText(bare),
    "DoRA on 1 linear layer (12,288 parameters), nothing saved whole; the head is the base's " +
      "(classifier.weight, classifier.bias); made for a base that it does not name",
  );
});

Deno.test("importAdapter names missing files", async () => {
  await withFolder(async (folder) => {
    const attempt = () => importAdapter(folder, goldenModel(), 3);
    await assertRejects(attempt, Error, "found no adapter_config.json");
    await Deno.writeTextFile(`${folder}/adapter_config.json`, "{}");
    await assertRejects(attempt, Error, "found no weights, want adapter_model.safetensors");
    await Deno.writeTextFile(`${folder}/adapter_model.bin`, "");
    await assertRejects(attempt, Error, "load the adapter in peft and save it anew");
  });
});

Deno.test("importPeft evaluates an exported run as its record does, and writes it merged", async () => {
  const study = parseStudy({
    ...tinyStudy,
    axes: { ...tinyStudy.axes, methods: ["elalora"] },
  });
  await withSwept(async ({ home, runOf, recordOf }) => {
    const exported = `${home}/exported`;
    await exportRun(runOf("elalora"), {
      format: "peft",
      out: exported,
    });
    const out = `${home}/merged`;
    // The task is the study's own, and so is the length at which texts are cut.
    const studyPath = `${home}/tiny.json`;
    await Deno.writeTextFile(studyPath, JSON.stringify(study));
    const options = {
      model: tinyModel,
      task: "Moves",
      study: studyPath,
      data: null,
      maxLength: null,
      out,
    };
    const executor = await nativeExecutor(1);
    const { evaluations, contents } = await importPeft(exported, options, executor);
    assertEquals(contents.wholeTensors, 4);
    await assertRejects(
      () => importPeft(exported, { ...options, study: null }, executor),
      UsageError,
      "; for a task of your own give the study that declares it by --study",
    );
    await assertRejects(
      () => importPeft(`${goldenFolder}/headless`, options, executor),
      InputError,
      "the adapter has no head of its own, and the base has",
    );
    await assertRejects(
      () => importPeft(exported, { ...options, task: "Move" }, executor),
      UsageError,
      'Did you mean "Moves"?',
    );
    const { keep, best } = recordOf("elalora").happened;
    assertEquals(keep, "best");
    assertEquals(evaluations.map(({ split }) => split), ["dev"]);
    assertEquals(evaluations[0]!.metrics["accuracy"], best!.metrics["accuracy"]);
    assertAlmostEquals(evaluations[0]!.loss, best!.loss, 1e-5);
    const stored = JSON.parse(await Deno.readTextFile(`${out}/evaluation.json`));
    assertEquals(stored.maxLength, 12);
    assertEquals(stored.evaluations[0].metrics, evaluations[0]!.metrics);
    const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
    assertEquals(names, [
      "README.md",
      "config.json",
      "evaluation.json",
      "model.safetensors",
      "vocab.txt",
    ]);
  }, study);
});

Deno.test("importCommand wants a folder, its base and a task", async () => {
  await assertRejects(
    () => importCommand([]),
    UsageError,
    "Usage: deno task import ADAPTER_FOLDER",
  );
  await assertRejects(() => importCommand(["x"]), UsageError, '"--model" is missing');
  await assertRejects(
    () => importCommand(["x", "--model", "y"]),
    UsageError,
    '"--task" is missing',
  );
});
