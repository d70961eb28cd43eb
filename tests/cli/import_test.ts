import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { exportRun } from "../../src/cli/export.ts";
import { importAdapter, importCommand, importPeft } from "../../src/cli/import.ts";
import { UsageError } from "../../src/cli/terminal.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { interpret } from "../../src/graph/mod.ts";
import { plainModel } from "../../src/models/plain_model.ts";
import {
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from "../../src/models/safetensors.ts";
import { parseStudy } from "../../src/spec/study.ts";
import { expected, goldenModel } from "../models/fixture.ts";
import { tinyModel, tinyStudy, withSwept } from "./tiny_study.ts";

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

Deno.test("importAdapter gives the logits of peft, with patterns of ranks and alphas, with rsLoRA and with DoRA", async () => {
  const model = goldenModel();
  for (const name of ["lora", "rslora", "dora"]) {
    const { tensors, layers, whole, baseModel } = await importAdapter(
      `${goldenFolder}/${name}`,
      model,
      3,
    );
    assertEquals([layers, whole, baseModel], [10, 2, "bert"]);
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
}

async function goldenAdapter(name = "lora"): Promise<Adapter> {
  const path = `${goldenFolder}/${name}/adapter_model.safetensors`;
  const { tensors } = readSafetensors(await Deno.readFile(path), path);
  const text = await Deno.readTextFile(`${goldenFolder}/${name}/adapter_config.json`);
  return { config: JSON.parse(text), tensors };
}

/** Writes a changed adapter and tries to import it. */
async function importChanged({ config, tensors }: Adapter, outputs = 3): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/adapter_config.json`, JSON.stringify(config));
    await Deno.writeFile(`${folder}/adapter_model.safetensors`, writeSafetensors(tensors));
    await importAdapter(folder, goldenModel(), outputs);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const query = "base_model.model.bert.encoder.layer.0.attention.self.query";

/** The tensors under other names. */
function renamed(
  tensors: ReadonlyMap<string, StoredTensor>,
  from: string,
  to: string,
): ReadonlyMap<string, StoredTensor> {
  return new Map([...tensors].map(([name, tensor]) => [name.replace(from, to), tensor]));
}

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
  ];
  for (const [change, message] of cases) {
    await assertRejects(
      () => importChanged({ config: { ...config, ...change }, tensors }),
      TypeError,
      message,
    );
  }
});

Deno.test("importAdapter wants DoRA's lengths where the config says so, one for each output", async () => {
  const { config, tensors } = await goldenAdapter("dora");
  const vector = `${query}.lora_magnitude_vector`;
  const short = new Map([...tensors, [vector, { shape: [3], data: new Float32Array(3) }]]);
  const without = new Map([...tensors].filter(([name]) => name !== vector));
  const cases: readonly [Adapter, string][] = [
    [{ config, tensors: short }, "has a lora_magnitude_vector [3], want [16]"],
    [{ config, tensors: without }, "has no lora_magnitude_vector, want one"],
    [{ config: { ...config, use_dora: false }, tensors }, "a lora_magnitude_vector, want none"],
  ];
  for (const [adapter, message] of cases) {
    await assertRejects(() => importChanged(adapter), RangeError, message);
  }
});

Deno.test("importAdapter names the module that is not there, the closest, and wrong shapes", async () => {
  const { config, tensors } = await goldenAdapter();
  const without = (name: string) => new Map([...tensors].filter(([key]) => !key.includes(name)));
  const withTensor = (name: string, shape: readonly number[]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return new Map([...tensors, [name, { shape, data: new Float32Array(size) }]]);
  };
  const cases: readonly [ReadonlyMap<string, StoredTensor>, string][] = [
    [
      renamed(tensors, "layer.0.attention.self.query", "layer.7.attention.self.query"),
      'adapts the module "bert.encoder.layer.7.attention.self.query", which the model does not have; ' +
      'the closest that exist are "encoder.layer.0.attention.self.query"',
    ],
    [withTensor(`${query}.lora_A.weight`, [3, 8]), "want [3, 16] and [16, 3]"],
    [withTensor(`${query}.lora_A.weight`, [2, 16]), "its rank is 3 by adapter_config.json"],
    [without("query.lora_B"), 'query" has lora_A alone, want A and B'],
    [without("classifier"), 'neither the adapter nor its base has "classifier.weight"'],
    [renamed(tensors, "classifier", "score"), "is for nothing that the model has"],
  ];
  for (const [changed, message] of cases) {
    await assertRejects(
      () => importChanged({ config, tensors: changed }),
      RangeError,
      message,
    );
  }
  await assertRejects(
    () => importChanged({ config, tensors }, 2),
    RangeError,
    "want [2] as the model has; the adapter is for another model or another number of labels",
  );
});

Deno.test("importAdapter names missing files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const attempt = () => importAdapter(folder, goldenModel(), 3);
    await assertRejects(attempt, Error, "found no adapter_config.json");
    await Deno.writeTextFile(`${folder}/adapter_config.json`, "{}");
    await assertRejects(attempt, Error, "found no weights, want adapter_model.safetensors");
    await Deno.writeTextFile(`${folder}/adapter_model.bin`, "");
    await assertRejects(attempt, Error, "load the adapter in peft and save it anew");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("importPeft judges an exported run as its record does, and writes it merged", async () => {
  const study = parseStudy({
    ...tinyStudy,
    axes: { ...tinyStudy.axes, methods: ["elalora"] },
  });
  await withSwept(async ({ home, runOf, recordOf }) => {
    const exported = `${home}/exported`;
    await exportRun(runOf("elalora"), {
      format: "peft",
      out: exported,
      model: null,
      baseName: null,
    });
    // The task's files as those of a task that needs no declaration.
    await Deno.mkdir(`${home}/SST-2`);
    for (const split of ["train", "dev"]) {
      const text = await Deno.readTextFile(`${home}/moves/${split}.tsv`);
      const rows = text.replace("text\tlabel", "sentence\tlabel")
        .replaceAll("\tcalm", "\t0").replaceAll("\tlively", "\t1");
      await Deno.writeTextFile(`${home}/SST-2/${split}.tsv`, rows);
    }
    const out = `${home}/merged`;
    const options = { model: tinyModel, task: "SST-2", data: home, maxLength: 12, out };
    const { evaluations } = await importPeft(exported, options, await nativeExecutor(1));
    const { keep, best } = recordOf("elalora").happened;
    assertEquals(keep, "best");
    assertEquals(evaluations.map(({ split }) => split), ["dev"]);
    assertEquals(evaluations[0]!.metrics["accuracy"], best!.metrics["accuracy"]);
    assertAlmostEquals(evaluations[0]!.loss, best!.loss, 1e-5);
    const stored = JSON.parse(await Deno.readTextFile(`${out}/evaluation.json`));
    assertEquals(stored.evaluations[0].metrics, evaluations[0]!.metrics);
    const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
    assertEquals(names, ["config.json", "evaluation.json", "model.safetensors", "vocab.txt"]);
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
