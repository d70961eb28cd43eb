/**
 * The manifest of a packed study: which files it holds, how large they are, and their hashes.
 *
 * @module
 */
import { z } from "zod";
import { InputError, type InputProblem, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { decodeText } from "../base/read_text.ts";

/** The entry of the manifest in the archive. */
export const manifestName = "ranklab-pack.json";

/** The form of manifests that this code writes and the newest that it reads. */
export const manifestSchema = 1;

/** A file as the manifest has it. */
export interface PackedFile {
  /** From the study's folder on, with `/` between its parts. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** The hash of its contents, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
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

const longestPath = 1000;

/** Characters that some systems do not allow in a name, and those that nobody sees. */
// deno-lint-ignore no-control-regex
const badCharacters = /[\\:*?"<>|\u0000-\u001f\u007f]/;

/**
 * Refuses a path that would leave the folder that it is unpacked to, or that some system cannot hold.
 *
 * @throws {PackError} If it is one.
 */
export function checkPath(path: string, fileName: string, what: "pack" | "read"): void {
  const parts = path.split("/");
  const isSound = path.length <= longestPath && !badCharacters.test(path) &&
    parts.every((part) => !["", ".", "..", "__proto__"].includes(part)) &&
    path !== manifestName;
  if (isSound) return;
  throw new PackError({
    doing: `Cannot ${what}`,
    file: fileName,
    found: `a file with the path ${JSON.stringify(shown(path))}`,
    wanted:
      `a path below the study's folder: no "..", no empty part, no \\ : * ? " < > |, and not ` +
      `"${manifestName}"`,
  });
}

const fileSchema = z.strictObject({
  path: z.string(),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const schema = z.strictObject({
  schema: z.literal(manifestSchema),
  files: z.array(fileSchema),
});

function parsed(bytes: Uint8Array, fileName: string): unknown {
  try {
    return parseJson(decodeText(bytes, manifestName), manifestName);
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new PackError(damagedEntry(fileName, manifestName, cause.found, "JSON", cause));
  }
}

/**
 * The files of a manifest.
 *
 * @throws {PackError} If it is none, of a newer form, or one of its paths is refused or there twice.
 */
export function checkManifest(bytes: Uint8Array, fileName: string): readonly PackedFile[] {
  const json = parsed(bytes, fileName);
  const result = schema.safeParse(json);
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    const form = (json as { readonly schema?: unknown } | null)?.schema;
    const isNewer = typeof form === "number" && form > manifestSchema;
    throw new PackError(
      isNewer
        ? {
          file: fileName,
          found: `a pack of form ${form}`,
          wanted: `at most ${manifestSchema}`,
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
    checkPath(path, fileName, "read");
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
  return files;
}
