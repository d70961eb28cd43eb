/**
 * The manifest of a packed study: which files it holds, how large they are, and their hashes.
 *
 * @module
 */
import { z } from "zod";
import { InputError, type InputProblem, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { decodeText } from "../base/read_text.ts";
import { badOnWindows } from "../study/schema/study.ts";

/** The entry of the manifest in the archive. */
export const manifestName = "ranklab-pack.json";

/** The forms of manifests: the first is of packs with whole journals, the second of those with thinned ones. */
export const manifestSchema = { whole: 1, thinned: 2 } as const;

/** A file as the manifest has it. */
export interface PackedFile {
  /** From the study's folder on, with `/` between its parts. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** The hash of its contents, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** What a manifest says. */
export interface PackManifest {
  /** In order of their paths. */
  readonly files: readonly PackedFile[];
  /** One step in so many that thinned journals have, or null where all journals are whole. */
  readonly thinned: number | null;
}

/** A study cannot be packed, or a packed one cannot be read. */
export class PackError extends InputError {
  /** Tells it from other errors. */
  override readonly name = "PackError";
}

/** What is wrong with an entry of a pack. */
export function damagedEntry(
  fileName: string,
  entry: string,
  found: string,
  wanted: string,
  cause?: unknown,
): InputProblem {
  const name = shown(entry);
  return {
    file: fileName,
    place: `entry "${name}"`,
    found,
    wanted,
    message:
      `Cannot read "${name}" of "${fileName}": found ${found}, want ${wanted}; the file is damaged, get it again`,
    cause,
  };
}

/** Characters of a path, and bytes of a name in it, at most: what all file systems hold. */
const longest = { path: 1000, name: 255 };

/** Characters that some systems do not allow in a name, and those that nobody sees or that turn a text around. */
const badCharacters = /[\\:*?"<>|\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function isSoundName(name: string): boolean {
  return name !== "" && name !== "__proto__" && !badOnWindows.test(name) &&
    new TextEncoder().encode(name).length <= longest.name;
}

/** A path as a message shows it, with what nobody sees spelled out. */
function shownPath(path: string): string {
  return JSON.stringify(shown(path)).replace(
    /[\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

/**
 * Refuses paths that would leave the folder that they are unpacked to, that some system cannot hold, or takes for each other.
 *
 * @throws {PackError} If there is one.
 */
export function checkPaths(
  paths: readonly string[],
  fileName: string,
  what: "pack" | "read",
): void {
  const fail = (found: string, wanted: string): never => {
    throw new PackError({ doing: `Cannot ${what}`, file: fileName, found, wanted });
  };
  for (const path of paths) {
    const isSound = path.length <= longest.path && !badCharacters.test(path) &&
      path.split("/").every(isSoundName) && path !== manifestName;
    if (isSound) continue;
    fail(
      `a file with the path ${shownPath(path)}`,
      `a path below the study's folder that every system can hold: no "..", no empty part, no \\ : * ? " < > |, nothing ` +
        `invisible, no dot or blank at the end of a name, none that Windows keeps for a device ("con"), names of at most ` +
        `${longest.name} bytes, and not "${manifestName}"`,
    );
  }
  const plain = (path: string) => path.normalize("NFC").toLowerCase();
  const taken = new Set(
    paths.map(plain).flatMap((path) =>
      [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index))
    ),
  );
  for (const path of paths) {
    if (taken.has(plain(path))) {
      fail(
        `a file with the path ${shownPath(path)} where another file or a folder is`,
        "paths that every system tells apart",
      );
    }
    taken.add(plain(path));
  }
}

const fileSchema = z.strictObject({
  path: z.string(),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const files = z.array(fileSchema);

const schema = z.discriminatedUnion("schema", [
  z.strictObject({ schema: z.literal(manifestSchema.whole), files }),
  z.strictObject({ schema: z.literal(manifestSchema.thinned), files, thinned: z.int().min(2) }),
]);

function parsed(bytes: Uint8Array, fileName: string): unknown {
  try {
    return parseJson(decodeText(bytes, manifestName), manifestName);
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new PackError(damagedEntry(fileName, manifestName, cause.found, "JSON", cause));
  }
}

/**
 * What a manifest says.
 *
 * @throws {PackError} If it is none, of a newer form, or one of its paths is refused or there twice.
 */
export function checkManifest(bytes: Uint8Array, fileName: string): PackManifest {
  const json = parsed(bytes, fileName);
  const result = schema.safeParse(json);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    const form = (json as { readonly schema?: unknown } | null)?.schema;
    const isNewer = typeof form === "number" && form > manifestSchema.thinned;
    throw new PackError(
      isNewer
        ? {
          file: fileName,
          found: `a pack of form ${form}`,
          wanted: `at most ${manifestSchema.thinned}`,
          fix: "update ranklab",
        }
        : damagedEntry(
          fileName,
          manifestName,
          `a wrong value at "${path.join(".")}" (${message})`,
          "a manifest as deno task pack writes it",
        ),
    );
  }
  const { files } = result.data;
  for (const [i, { path }] of files.entries()) {
    if (i > 0 && !(files[i - 1]!.path < path)) {
      throw new PackError(
        damagedEntry(
          fileName,
          manifestName,
          `"${path}" after "${files[i - 1]!.path}"`,
          "each path once and in order",
        ),
      );
    }
  }
  checkPaths(files.map(({ path }) => path), fileName, "read");
  return { files, thinned: "thinned" in result.data ? result.data.thinned : null };
}
