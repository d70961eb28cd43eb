/**
 * The site that the library page tells how to make, made as it says in a folder that links ranklab.
 *
 * @module
 */

const home = new URL("../../", import.meta.url);

/** A site on the disk until it is disposed of. */
export interface DocumentedSite extends AsyncDisposable {
  readonly folder: URL;
}

/** The text of the page's first block that starts with a line. */
function blockOf(page: string, start: string): string {
  const block = [...page.matchAll(/^```[^\n]*\n(.*?)^```/gms)]
    .map(([, text]) => text!).find((text) => text.startsWith(start));
  if (block === undefined) {
    throw new Error(`docs/library.md has no block that starts with ${start}`);
  }
  return block;
}

/** Makes the site. */
export async function documentedSite(): Promise<DocumentedSite> {
  const page = await Deno.readTextFile(new URL("docs/library.md", home));
  const folder = await Deno.makeTempDir();
  const pathOf = (name: string) =>
    decodeURIComponent(new URL(name, home).pathname).replace(/\/$/, "");
  await Deno.mkdir(`${folder}/site/model`, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/deno.json`,
    JSON.stringify({
      links: ["./", "vendor/std_assert", "vendor/std_cli"].map(pathOf),
      imports: { "@ranklab/ranklab": "jsr:@ranklab/ranklab@^0.1.0" },
    }),
  );
  await Deno.copyFile(new URL("deno.lock", home), `${folder}/deno.lock`);
  await Deno.writeTextFile(`${folder}/tab.ts`, blockOf(page, '/// <reference lib="dom"'));
  await Deno.writeTextFile(`${folder}/site/index.html`, blockOf(page, "<!doctype html>"));
  const [command] = /^deno bundle .*$/m.exec(page)!;
  const { code, stderr } = await new Deno.Command("deno", {
    args: command.split(" ").slice(1),
    cwd: folder,
    stdout: "null",
  }).output();
  if (code !== 0) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
  for (const name of ["config.json", "model.safetensors", "tokenizer.json"]) {
    await Deno.copyFile(
      new URL(`src/models/embedded/${name}`, home),
      `${folder}/site/model/${name}`,
    );
  }
  return {
    folder: new URL(`file://${folder}/site/`),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
