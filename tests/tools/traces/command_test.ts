import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { followFiles, traces } from "../../../tools/traces/main.ts";
import { become, edited, names, pathOf, plus, remove, times } from "./fixture.ts";
import { UsageError } from "../../../src/base/input_error.ts";

/** What a command wrote, by stream. */
function sink() {
  const said: string[] = [];
  const complained: string[] = [];
  const into = (lines: string[]) => (line: string) => {
    lines.push(line);
    return Promise.resolve();
  };
  return { said, complained, say: into(said), complain: into(complained) };
}

/** Runs a check with a file of the given text. */
async function withFile(text: string, check: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, text);
    await check(path);
  } finally {
    await Deno.remove(path);
  }
}

/** A golden trace, as text, with one value changed. */
const editedText = (...change: Parameters<typeof edited>) => JSON.stringify(edited(...change));

Deno.test("followFiles says ok for each golden trace, with its ranks", async () => {
  const out = sink();
  assertEquals(await followFiles(names.map(pathOf), out), 0);
  assertEquals(out.complained, []);
  assertEquals(out.said, [
    `ok ${pathOf("elalora_trace_a")}: 24 steps, 4 events, ranks 3 3 3 3 -> 2 4 3 3`,
    `ok ${pathOf("elalora_trace_b")}: 16 steps, 5 events, ranks 4 4 4 -> 4 4 4`,
    `ok ${pathOf("adalora_trace_a")}: 24 steps, 10 events, ranks 4 4 4 4 -> 1 1 3 3`,
    `ok ${pathOf("adalora_trace_b")}: 18 steps, 16 events, ranks 6 6 6 -> 4 3 5`,
  ]);
});

Deno.test("followFiles returns 1 and names file, step, quantity, module, place and both numbers", async () => {
  const text = editedText("adalora_trace_b", "steps/4/grads/m2.A/1/3", become(0.5));
  await withFile(text, async (path) => {
    const out = sink();
    assertEquals(await followFiles([path, pathOf("elalora_trace_b")], out), 1);
    assertEquals(out.said.length, 2);
    assert(out.said[0]!.startsWith(`differs ${path}: 4 of 18 steps agree. `), out.said[0]);
    assertMatch(
      out.said[0]!,
      /Step 5: gradient of "m2" at A\[1\]\[3\] is -?\d+\.\d+(e-\d+)?, 0\.5 wanted$/,
    );
    assert(out.said[1]!.startsWith("ok "), out.said[1]);
  });
});

Deno.test("followFiles returns 2 for a file that is no trace, and goes on with the others", async () => {
  const cases: [string, string][] = [
    ["{", "JSON"],
    ["[]", "expected object, received array"],
    ["{}", 'at "config"'],
    [editedText("elalora_trace_a", "frozen/m2", remove), '"frozen.m2" is missing'],
    [editedText("elalora_trace_a", "steps/3/loss", become("1")), 'at "steps.3.loss"'],
    [
      editedText("elalora_trace_a", "config", (own) => ({ ...own as object, method: "lora" })),
      'at "config.method"',
    ],
    [
      editedText("elalora_trace_a", "steps/9/ranks/1", plus(1)),
      '"steps.9.params_after.m1.B" row 0 has 3 entries, 4 wanted',
    ],
  ];
  for (const [text, message] of cases) {
    await withFile(text, async (path) => {
      const out = sink();
      assertEquals(await followFiles([path, pathOf("elalora_trace_b")], out), 2);
      assertEquals(out.complained.length, 1);
      const [line] = out.complained;
      assert(line!.startsWith(`error: Cannot read trace "${path}"`), line);
      assert(line!.includes(message), line);
      assert(out.said.length === 1 && out.said[0]!.startsWith("ok "), out.said.join());
    });
  }
  const out = sink();
  const missing = pathOf("no_such_trace");
  assertEquals(await followFiles([missing], out), 2);
  assert(out.complained[0]!.startsWith(`error: Cannot read trace "${missing}": `));
});

Deno.test("traces takes a tolerance", async () => {
  const text = editedText("elalora_trace_a", "steps/2/loss", times(1 + 1e-6));
  await withFile(text, async (path) => {
    assertEquals(await traces([path], sink()), 1);
    assertEquals(await traces(["--tolerance", "1e-5", path], sink()), 0);
    assertEquals(await traces([path, "--tolerance=1e-7"], sink()), 1);
  });
});

Deno.test("traces wants a file; --help prints the known formats and returns 0", async () => {
  await assertRejects(() => traces([], sink()), UsageError, "Usage: deno task traces TRACE.json");
  const helped = sink();
  assertEquals(await traces(["--help"], helped), 0);
  assertEquals(helped.complained, []);
  for (const word of ["Usage", "ElaLoRA", "AdaLoRA", '"budget"', "--tolerance"]) {
    assert(helped.said[0]!.includes(word), word);
  }
});

Deno.test("traces refuses wrong options", async () => {
  for (const value of ["0", "-1e-9", "none", "Infinity", ""]) {
    await assertRejects(
      () => traces([`--tolerance=${value}`, pathOf("elalora_trace_a")], sink()),
      UsageError,
      '"--tolerance"',
    );
  }
  await assertRejects(
    () => traces(["--tolerence", "1", "a.json"], sink()),
    UsageError,
    'Did you mean "--tolerance"?',
  );
});
