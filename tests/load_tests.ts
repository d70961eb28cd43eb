/** Test files that share a thread. */

/** Registers the tests of all files below some folders of `tests/`. */
export async function loadTests(...folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (const file of await testFiles(new URL(`./${folder}/`, import.meta.url))) {
      await import(file.href);
    }
  }
}

/** The test files of a folder and those below it, by name. */
async function testFiles(folder: URL): Promise<readonly URL[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const files = await Promise.all(
    entries.toSorted((a, b) => a.name < b.name ? -1 : 1).map(({ name, isDirectory }) => {
      if (isDirectory) return testFiles(new URL(`${name}/`, folder));
      return name.endsWith("_test.ts") ? [new URL(name, folder)] : [];
    }),
  );
  return files.flat();
}
