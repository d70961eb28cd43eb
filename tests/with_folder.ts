/** Folders that a test has for itself. */

/**
 * Runs a check in a folder of its own, which is removed afterwards.
 *
 * @param files What is in it by path: texts, or values as JSON. Default: nothing.
 */
export async function withFolder<T>(
  check: (folder: string) => Promise<T> | T,
  files: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await Deno.writeTextFile(path, text);
    }
    return await check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
