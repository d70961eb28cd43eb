/**
 * The manifest of a packed study: which files it holds, how large they are, and their hashes.
 *
 * @module
 */
import { z } from "zod";

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
export class PackError extends Error {
  /** Tells it from other errors. */
  override readonly name = "PackError";
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
  const shown = path.length <= longestPath ? path : `${path.slice(0, 60)}…`;
  throw new PackError(
    `Cannot ${what} "${fileName}": found a file with the path ${
      JSON.stringify(shown)
    }, want a path below the study's ` +
      `folder: no "..", no empty part, no \\ : * ? " < > |, and not "${manifestName}"`,
  );
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
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new PackError(
      `Cannot read "${manifestName}" of "${fileName}": found ${
        (cause as Error).message
      }, want JSON; the file is damaged, get it again`,
      { cause },
    );
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
        ? `Cannot read "${fileName}": found a pack of form ${form}, want at most ${manifestSchema}; update ranklab`
        : `Cannot read "${manifestName}" of "${fileName}": found a wrong value at "${
          path.join(".")
        }" (${message}), want ` +
          "a manifest as deno task pack writes it; the file is damaged, get it again",
    );
  }
  const { files } = result.data;
  for (const [i, { path }] of files.entries()) {
    checkPath(path, fileName, "read");
    if (i > 0 && !(files[i - 1]!.path < path)) {
      throw new PackError(
        `Cannot read "${manifestName}" of "${fileName}": found "${path}" after "${
          files[i - 1]!.path
        }", want each path once and ` +
          "in order; the file is damaged, get it again",
      );
    }
  }
  return files;
}
