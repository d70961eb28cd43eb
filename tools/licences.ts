/**
 * Writes the table of packages in `docs/licences.md` from `deno.lock` and from what each package states in its own
 * `package.json`.
 *
 * ```sh
 * deno run --allow-read=. --allow-write=docs tools/licences.ts
 * ```
 *
 * @module
 */

/** A package of `deno.lock`. */
export interface LockedPackage {
  readonly registry: "npm" | "jsr";
  readonly name: string;
  readonly version: string;
}

/**
 * Licences that a package may have, as packages state them. All permit use, change and redistribution, and none asks the
 * same of what is built with it. `BSL-1.0` is Boost's. `CC0` and `Public Domain` are no SPDX names; the two packages that
 * state them hold text.
 */
export const allowedLicences: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BSL-1.0",
  "CC0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Public Domain",
  "Unlicense",
]);

/**
 * Whether a stated licence is among the allowed ones: of several joined by `OR` one, of several joined by `AND` all.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isAllowed } from "./licences.ts";
 * assert(isAllowed("(MIT OR GPL-3.0-only)"));
 * assert(!isAllowed("MIT AND GPL-3.0-only"));
 * ```
 */
export function isAllowed(licence: string): boolean {
  const expression = licence.replace(/^\((.*)\)$/, "$1");
  return expression.split(" OR ").some((choice) =>
    choice.split(" AND ").every((name) => allowedLicences.has(name))
  );
}

/**
 * The packages of a lock file, sorted by registry, name and version; peers that the lock adds to a version are left out.
 *
 * @throws {SyntaxError} If a key of the lock is not a name and a version.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lockedPackages } from "./licences.ts";
 * const lock = { npm: { "vega-lite@6.5.0_vega@6.4.0": {}, "@babel/types@8.1.3": {} } };
 * assertEquals(lockedPackages(JSON.stringify(lock)), [
 *   { registry: "npm", name: "@babel/types", version: "8.1.3" },
 *   { registry: "npm", name: "vega-lite", version: "6.5.0" },
 * ]);
 * ```
 */
export function lockedPackages(lock: string): readonly LockedPackage[] {
  const parts: Readonly<Record<string, object>> = JSON.parse(lock);
  const found = new Map<string, LockedPackage>();
  for (const registry of ["jsr", "npm"] as const) {
    for (const key of Object.keys(parts[registry] ?? {})) {
      const match = /^(@?[^@]+)@([^@_]+)(_.*)?$/.exec(key);
      if (match === null) {
        throw new SyntaxError(`Cannot read "${key}" in deno.lock: a name and a version are wanted`);
      }
      const [, name = "", version = ""] = match;
      found.set(`${registry}:${name}@${version}`, { registry, name, version });
    }
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, locked]) => locked);
}

/**
 * The licence that a manifest states: a name or SPDX expression, or the older `{ type }` and lists of these.
 *
 * @returns Null where it states none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { statedLicence } from "./licences.ts";
 * assertEquals(statedLicence('{"license":"MIT"}'), "MIT");
 * assertEquals(statedLicence('{"licenses":[{"type":"MIT"},{"type":"ISC"}]}'), "MIT OR ISC");
 * ```
 */
export function statedLicence(manifest: string): string | null {
  const { license, licenses } = JSON.parse(manifest);
  const named = (value: unknown): string | null =>
    typeof value === "string"
      ? value
      : typeof value === "object" && value !== null && "type" in value
      ? named(value.type)
      : null;
  return Array.isArray(licenses) ? licenses.map(named).join(" OR ") : named(license ?? licenses);
}

/** A package with its licence: a row of the table. */
export interface PackageRow extends LockedPackage {
  readonly licence: string;
}

const heading = "## Packages";

/** The rows of the table of packages in a text such as `docs/licences.md`. */
export function packageRows(page: string): readonly PackageRow[] {
  const [, table = ""] = page.split(`\n${heading}\n`);
  return [...table.matchAll(/^\| `(npm|jsr):(.+)@(.+)` +\| (.+?) +\|$/gm)].map((match) => ({
    registry: match[1] as "npm" | "jsr",
    name: match[2]!,
    version: match[3]!,
    licence: match[4]!,
  }));
}

/** The page with its table of packages written anew; what stands above the table stays. */
export function withPackageRows(page: string, rows: readonly PackageRow[]): string {
  const [before = "", after = ""] = page.split(`\n${heading}\n`);
  const intro = after.split(/^\|/m)[0]!.trimEnd();
  const cells = [
    ["package", "licence"],
    ...rows.map(({ registry, name, version, licence }) => [
      `\`${registry}:${name}@${version}\``,
      licence,
    ]),
  ];
  const widths = [0, 1].map((column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return `${before}\n${heading}\n${intro}\n\n${lines.join("\n")}\n`;
}

/**
 * What an installed package states as its licence.
 *
 * @param root The project's folder, with `node_modules` as `deno install` fills it.
 * @returns Null where the package is not installed.
 * @throws {SyntaxError} If its manifest states no licence.
 */
export async function installedLicence(
  root: URL,
  { name, version }: LockedPackage,
): Promise<string | null> {
  const folder = `node_modules/.deno/${name.replace("/", "+")}@${version}/node_modules/${name}`;
  const manifest = await Deno.readTextFile(new URL(`${folder}/package.json`, root))
    .catch((error) => {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    });
  if (manifest === null) return null;
  const licence = statedLicence(manifest);
  if (licence === null) {
    throw new SyntaxError(
      `Cannot tell the licence of "${name}" ${version}: its package.json states none`,
    );
  }
  return licence;
}

async function rowsOfLock(root: URL): Promise<readonly PackageRow[]> {
  const rows: PackageRow[] = [];
  for (const locked of lockedPackages(await Deno.readTextFile(new URL("deno.lock", root)))) {
    const licence = locked.registry === "npm" ? await installedLicence(root, locked) : null;
    if (licence === null) {
      throw new Error(
        `Cannot read the licence of "${locked.registry}:${locked.name}@${locked.version}": it is not in node_modules, ` +
          'so run "deno install" first',
      );
    }
    rows.push({ ...locked, licence });
  }
  return rows;
}

if (import.meta.main) {
  const root = new URL("../", import.meta.url);
  const path = new URL("docs/licences.md", root);
  await Deno.writeTextFile(
    path,
    withPackageRows(await Deno.readTextFile(path), await rowsOfLock(root)),
  );
}
