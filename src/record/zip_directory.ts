/**
 * The directory of a zip archive, and single entries of it (PKWARE's APPNOTE 6.3, sections 4.3 and 4.4): so that one file can be
 * read without the others. No archives above 4 GiB, no encryption.
 *
 * @module
 */
import { inflateSync } from "fflate";
import { errorMessage } from "../base/input_error.ts";

/** An entry as the directory has it. */
export interface ZipEntry {
  readonly name: string;
  /** 0 for bytes as they are, 8 for Deflate. */
  readonly method: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where the entry's own header starts. */
  readonly offset: number;
}

const signatures = { end: 0x06054b50, directory: 0x02014b50, local: 0x04034b50 };

const headerBytes = { end: 22, directory: 46, local: 30 };

/** Deflate makes at most so many bytes of one. */
const mostInflation = 1032;

/**
 * Bytes that all entries together may have: so many, or where that is more, so many times the archive's own. Weights shrink to a
 * half at best and texts to a tenth; what shrinks to less in an archive of this size is made to fill a disk or a memory.
 */
const mostUnpacked = { bytes: 256_000_000, timesPacked: 20 };

const mostComment = 0xffff;

function directoryStart(view: DataView): { readonly count: number; readonly start: number } {
  const last = view.byteLength - headerBytes.end;
  for (let end = last; end >= Math.max(0, last - mostComment); end--) {
    if (view.getUint32(end, true) !== signatures.end) continue;
    if (view.getUint16(end + 20, true) !== last - end) continue;
    return { count: view.getUint16(end + 10, true), start: view.getUint32(end + 16, true) };
  }
  throw new RangeError(`${view.byteLength} bytes that do not end as a zip archive does`);
}

/**
 * The entries of an archive, in its order.
 *
 * @throws {RangeError} If its directory is broken, or its entries claim more bytes than it has, or than an archive of its size may
 * unpack to.
 */
export function readDirectory(archive: Uint8Array): readonly ZipEntry[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const { count, start } = directoryStart(view);
  const names = new TextDecoder("utf-8", { fatal: true });
  const entries: ZipEntry[] = [];
  let packed = 0;
  let unpacked = 0;
  const most = Math.max(mostUnpacked.bytes, mostUnpacked.timesPacked * view.byteLength);
  for (let i = 0, at = start; i < count; i++) {
    if (
      at + headerBytes.directory > view.byteLength ||
      view.getUint32(at, true) !== signatures.directory
    ) {
      throw new RangeError(`a directory that breaks off after ${i} of ${count} entries`);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const from = at + headerBytes.directory;
    const entry = {
      name: names.decode(archive.subarray(from, from + nameBytes)),
      method: view.getUint16(at + 10, true),
      packedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    };
    packed += entry.packedSize;
    // So that entries cannot share their bytes, and nothing is reserved for what cannot come.
    if (packed > view.byteLength || entry.size > entry.packedSize * mostInflation) {
      throw new RangeError(
        `"${entry.name}" of ${entry.size} bytes in ${entry.packedSize}, which an archive of ${view.byteLength} bytes ` +
          "cannot hold",
      );
    }
    unpacked += entry.size;
    if (unpacked > most) {
      throw new RangeError(
        `files of more than ${most} bytes, packed into an archive of ${view.byteLength}`,
      );
    }
    entries.push(entry);
    at = from + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/**
 * The entries of an archive by name.
 *
 * @param fail Gives the error of what is found in the archive, or in one of its entries.
 */
export function entriesByName(
  archive: Uint8Array,
  fail: (found: string, entry: string | null, cause?: unknown) => Error,
): ReadonlyMap<string, ZipEntry> {
  let entries: readonly ZipEntry[];
  try {
    entries = readDirectory(archive);
  } catch (cause) {
    throw fail(errorMessage(cause), null, cause);
  }
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const twice = entries.find((entry) => byName.get(entry.name) !== entry);
  if (twice !== undefined) throw fail("two files of that path", twice.name);
  return byName;
}

/**
 * The contents of an entry; never more than one byte beyond its size is made of it.
 *
 * @throws {RangeError} If it is not where the directory says, packed in another way, or of another size.
 */
export function inflated(archive: Uint8Array, entry: ZipEntry): Uint8Array {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const { offset, packedSize, size, method } = entry;
  if (
    offset + headerBytes.local > view.byteLength ||
    view.getUint32(offset, true) !== signatures.local
  ) {
    throw new RangeError(`no entry at byte ${offset}`);
  }
  const from = offset + headerBytes.local + view.getUint16(offset + 26, true) +
    view.getUint16(offset + 28, true);
  if (from + packedSize > view.byteLength) {
    throw new RangeError(`${view.byteLength - from} of ${packedSize} packed bytes`);
  }
  const packed = archive.subarray(from, from + packedSize);
  if (method !== 0 && method !== 8) throw new RangeError(`packing method ${method}`);
  const bytes = method === 0 ? packed : inflateSync(packed, { out: new Uint8Array(size + 1) });
  if (bytes.length === size) return method === 0 ? packed.slice() : bytes.slice();
  throw new RangeError(
    bytes.length > size ? `more than ${size} bytes` : `${bytes.length} of ${size} bytes`,
  );
}
