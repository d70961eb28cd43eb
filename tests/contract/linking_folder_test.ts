/** A folder of a user's own that links ranklab: Deno's default compiler options, and no version named by hand. */
import { assert, assertEquals } from "@std/assert";
import { withFolder } from "../with_folder.ts";

const home = new URL("../../", import.meta.url);
const pathOf = (name: string) =>
  decodeURIComponent(new URL(name, home).pathname).replace(/\/$/, "");

Deno.test("a folder that links ranklab checks the library page's examples by Deno's defaults", async () => {
  const page = await Deno.readTextFile(new URL("docs/library.md", home));
  const examples = [...page.matchAll(/^```ts(?: ignore)?\n(.*?)^```/gms)].map(([, code]) => code!);
  assert(examples.length > 0);
  await withFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({
        links: ["./", "vendor/std_assert", "vendor/std_cli"].map(pathOf),
        imports: { "@ranklab/ranklab": "jsr:@ranklab/ranklab@^0.1.0" },
      }),
    );
    // With it Deno asks no registry which versions there are.
    await Deno.copyFile(new URL("deno.lock", home), `${folder}/deno.lock`);
    const files = examples.map((_, i) => `example${i}.ts`);
    for (const [i, file] of files.entries()) {
      await Deno.writeTextFile(`${folder}/${file}`, examples[i]!);
    }
    const { code, stderr } = await new Deno.Command("deno", {
      args: ["check", "-q", "--cached-only", ...files],
      cwd: folder,
      env: { NO_COLOR: "1" },
      stdout: "null",
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  });
});
