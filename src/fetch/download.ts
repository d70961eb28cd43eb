/**
 * Downloads that go on where they stopped, checked before they take their place.
 *
 * @module
 */
import { errorMessage } from "../base/input_error.ts";
import { FetchError } from "./fetch_error.ts";
import {
  type FailedTry,
  type Transport,
  tryRequest,
  waitMillis,
  type WebRequest,
  withRetries,
} from "./transport.ts";

/** What the content has to hash to. */
export type Checksum =
  | { readonly kind: "sha256"; readonly hex: string }
  /** Git's hash of a file: SHA-1 over `blob`, its size and its content. */
  | { readonly kind: "git-sha1"; readonly hex: string };

interface Download extends WebRequest {
  /** Where it goes. */
  readonly path: string;
  /** Where what has arrived is kept until it is whole. */
  readonly part: string;
  /** Null where nobody said. */
  readonly sizeBytes: number | null;
  /** Null where nobody said; then only the size is checked. */
  readonly checksum: Checksum | null;
}

/** Bytes between reports of progress. */
const reportBytes = 1 << 20;

/** A connection that brings nothing for so long is given up. */
const stallMillis = 60_000;

/** A file's size in bytes, or null where there is none. */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The hash of a file's content, read piece by piece. */
export async function checksumOf(path: string, kind: Checksum["kind"]): Promise<string> {
  // Imported here, since a browser tab loads this module too but has no such one.
  const { createHash } = await import("node:crypto");
  const size = (await Deno.stat(path)).size;
  const hash = createHash(kind === "sha256" ? "sha256" : "sha1");
  if (kind === "git-sha1") hash.update(`blob ${size}\0`);
  const file = await Deno.open(path);
  for await (const piece of file.readable) hash.update(piece);
  return hash.digest("hex");
}

/** The whole size that an answer tells, and where its body starts. */
interface Span {
  readonly start: number;
  readonly total: number | null;
}

/** What an answer holds; null if it is a part that was not asked for. */
function spanOf(response: Response, asked: number): Span | null {
  const length = response.headers.get("content-length");
  if (response.status !== 206) return { start: 0, total: length === null ? null : Number(length) };
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (range === null || Number(range[1]) !== asked) return null;
  return { start: asked, total: range[2] === "*" ? null : Number(range[2]) };
}

/** Appends a body to the open part; whatever arrived before an error stays there. */
async function append(
  body: ReadableStream<Uint8Array>,
  file: Deno.FsFile,
  onBytes: (bytes: number) => Promise<void>,
): Promise<void> {
  const reader = body.getReader();
  for (;;) {
    // A body that ends early is half a file, which is gone on from.
    const stalled = setTimeout(() => reader.cancel(), stallMillis);
    const { done, value } = await reader.read().finally(() => clearTimeout(stalled));
    if (done) return;
    try {
      for (let at = 0; at < value.length;) at += await file.write(value.subarray(at));
    } catch (cause) {
      await reader.cancel();
      throw new WriteError(cause);
    }
    await onBytes(value.length);
  }
}

/** The disk, not the network, failed. */
class WriteError extends Error {
  override readonly name = "WriteError";

  constructor(cause: unknown) {
    super(errorMessage(cause), { cause });
  }
}

/** One try: asks for what is missing and appends it. */
async function tryDownload(
  download: Download,
  file: Deno.FsFile,
  transport: Transport,
  number: number,
): Promise<{ readonly value: number } | FailedTry> {
  const { title, url } = download;
  const failed = (problem: string, cause?: unknown): FailedTry => ({
    error: new FetchError(`"${title}"`, problem, { url, cause }),
    millis: waitMillis(null, number, transport.now()),
  });
  let have = (await file.stat()).size;
  if (download.sizeBytes !== null && have === download.sizeBytes) return { value: have };
  const headers: WebRequest["headers"] = have === 0 ? {} : { range: `bytes=${have}-` };
  const request = { ...download, headers: { ...download.headers, ...headers } };
  const outcome = await tryRequest(request, transport, number, [200, 206, 416]);
  if (!("value" in outcome)) return outcome;
  const { response } = outcome.value;
  const span = response.status === 416 ? null : spanOf(response, have);
  if (span === null) {
    // What is there does not fit what the server has.
    await response.body?.cancel();
    await file.truncate(0);
    return failed(`the server did not go on from ${have} bytes; it has to start anew`);
  }
  await file.truncate(span.start);
  await file.seek(span.start, Deno.SeekMode.Start);
  have = span.start;
  const total = download.sizeBytes ?? span.total;
  let reported = -Infinity;
  const onBytes = async (bytes: number) => {
    have += bytes;
    if (have - reported < reportBytes && have !== total) return;
    reported = have;
    await transport.onProgress({ title, bytes: have, totalBytes: total });
  };
  try {
    if (response.body !== null) await append(response.body, file, onBytes);
  } catch (cause) {
    if (cause instanceof WriteError) throw cause;
    return failed(
      `the connection broke at ${have} of ${total ?? "unknown"} bytes (${
        errorMessage(cause)
      }); what arrived is kept, ` +
        "run this again to go on",
      cause,
    );
  }
  if (total !== null && have < total) {
    return failed(
      `found half a file, ${have} bytes, want ${total}; what arrived is kept, run this again to go on`,
    );
  }
  return { value: have };
}

/** Checks a part that should be whole; one that is wrong is removed. */
async function check(download: Download, found: number): Promise<void> {
  const { title, url, part, sizeBytes, checksum } = download;
  const fail = async (problem: string): Promise<never> => {
    await Deno.remove(part);
    throw new FetchError(
      `"${title}"`,
      `${problem}; it was removed, run this again (if it happens again, something on the way changes files)`,
      { url },
    );
  };
  if (sizeBytes !== null && found !== sizeBytes) {
    await fail(`found ${found} bytes, want ${sizeBytes}`);
  }
  if (checksum === null) return;
  const hex = await checksumOf(part, checksum.kind);
  if (hex !== checksum.hex) await fail(`found ${checksum.kind} ${hex}, want ${checksum.hex}`);
}

/** Whether a path still names an open file, and not another one or none. */
async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    const [named, open] = [await Deno.stat(path), await file.stat()];
    return named.ino === open.ino && named.dev === open.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Opens a part once nobody else has it; whoever had it may have removed it, or given it the file's name. */
async function openPart(part: string): Promise<Deno.FsFile> {
  for (;;) {
    const file = await Deno.open(part, { read: true, write: true, create: true });
    try {
      await file.lock(true);
      if (await isAt(part, file)) return file;
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
}

/**
 * Fetches a file unless it is there.
 *
 * A part that an earlier try left is gone on from by a range request. Two processes that fetch the same file take turns.
 *
 * @returns Whether it had to be fetched.
 *
 * @throws {FetchError} If the server refuses, the network fails for good, or size or checksum are wrong.
 * @throws {Error} If it cannot be written.
 */
export async function ensureFile(download: Download, transport: Transport): Promise<boolean> {
  const { path, part, title } = download;
  if (await sizeOf(path) !== null) return false;
  try {
    for (const file of [path, part]) {
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    }
    using file = await openPart(part);
    if (await sizeOf(path) !== null) {
      // Somebody else has fetched it meanwhile, and this part was made anew.
      await Deno.remove(part);
      return false;
    }
    const found = await withRetries(
      title,
      transport,
      (number) => tryDownload(download, file, transport, number),
    );
    await check(download, found);
    await file.sync();
    await Deno.rename(part, path);
    return true;
  } catch (cause) {
    if (cause instanceof FetchError) throw cause;
    const permission = cause instanceof Deno.errors.NotCapable
      ? `; want the permission, run the command behind the task in deno.json with --allow-write="${
        path.slice(0, path.lastIndexOf("/"))
      }" added`
      : "";
    throw new Error(`Cannot write "${path}": ${errorMessage(cause)}${permission}`, { cause });
  }
}
