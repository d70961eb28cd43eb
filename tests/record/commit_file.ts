/** Commits by hand, where no git is started. */
import { zlibSync } from "fflate";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Writes an object; under another name than its own, it is not what its name says. */
async function write(
  folder: string,
  type: string,
  content: Uint8Array,
  name?: string,
): Promise<string> {
  const whole = new Uint8Array([...bytes(`${type} ${content.length}\0`), ...content]);
  const id = name ?? new Uint8Array(await crypto.subtle.digest("SHA-1", whole)).toHex();
  const place = `${folder}/.git/objects/${id.slice(0, 2)}`;
  await Deno.mkdir(place, { recursive: true });
  await Deno.writeFile(`${place}/${id.slice(2)}`, zlibSync(whole));
  return id;
}

/**
 * Commits one file of a folder as the first commit of a repository.
 *
 * @param at When, in ISO 8601.
 * @param name The hash that the commit is kept under. Default its own.
 *
 * @returns That hash.
 */
export async function commitFile(
  folder: string,
  file: string,
  at: string,
  name?: string,
): Promise<string> {
  const blob = await write(folder, "blob", await Deno.readFile(`${folder}/${file}`));
  const entry = [...bytes(`100644 ${file}\0`), ...Uint8Array.fromHex(blob)];
  const tree = await write(folder, "tree", new Uint8Array(entry));
  const who = `a <a@b> ${Date.parse(at) / 1000} +0000`;
  const text = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nmessage\n`;
  const commit = await write(folder, "commit", bytes(text), name);
  await Deno.writeTextFile(`${folder}/.git/HEAD`, `${commit}\n`);
  return commit;
}
