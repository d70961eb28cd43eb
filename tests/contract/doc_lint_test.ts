/** The documentation of the package: what `deno doc` would show of its entries, without a gap. */
import { assert, assertEquals } from "@std/assert";

const root = new URL("../../", import.meta.url);
const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))) as {
  readonly exports: Readonly<Record<string, string>>;
};

/** What `deno doc --lint` complains of in some modules, each with its place. */
async function gapsOf(modules: readonly string[]): Promise<readonly string[]> {
  const { success, stderr } = await new Deno.Command("deno", {
    args: ["doc", "--lint", "--quiet", ...modules],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stderr);
  const gaps = [...text.matchAll(/^error\[\S+\]: (.*)\n +--> (.*)$/gm)].map(([, what, where]) =>
    `${where}: ${what}`
  );
  assertEquals(gaps.length === 0, success, text);
  return gaps;
}

Deno.test("every exported name has a docstring, and every type that it names is exported", async () => {
  const entries = Object.values(config.exports);
  assert(entries.length > 10);
  assertEquals(await gapsOf(entries), []);
});

Deno.test("the check of docstrings sees a field without one, and a type that is not exported", async () => {
  const gaps = await gapsOf(["tests/contract/undocumented.ts"]);
  assertEquals(gaps.map((gap) => gap.replace(/^.*?: /, "")), [
    "exported symbol is missing JSDoc documentation",
    "public type 'Shown[\"hidden\"]' references private type 'Hidden'",
  ]);
});
