/**
 * Reading a SentencePiece model: its pieces, and how it normalises text.
 *
 * @module
 */
import { errorMessage, InputError } from "../../base/input_error.ts";
import { mostOfTokenizer } from "./vocabulary.ts";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

type PieceKind = "normal" | "unknown" | "control" | "user-defined" | "unused" | "byte";

/** One piece of a vocabulary; its id is its place. */
interface Piece {
  readonly text: string;
  /** Log probability of a unigram model, 0 for special pieces. */
  readonly score: number;
  readonly kind: PieceKind;
}

/** What is read of a SentencePiece model. */
export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  readonly algorithm: "unigram" | "bpe" | "word" | "char";
  readonly unkId: number;
  /** Whether unknown characters are split into pieces for bytes. */
  readonly byteFallback: boolean;
  /** The table of the normaliser, see `charsmap.ts`; empty where text is left as it is. */
  readonly charsmap: Uint8Array;
}

/** A field of a message, as it is handed to its reader. */
type FieldReader = (reader: BinaryReader) => void;

/** By the numbers of `ModelProto.SentencePiece.Type`; 1 is the default. */
const kinds: readonly (PieceKind | undefined)[] = [
  undefined,
  "normal",
  "unknown",
  "control",
  "user-defined",
  "unused",
  "byte",
];

const copyAnew = "copy it anew from where the weights came from";

/** By the numbers of `TrainerSpec.ModelType`; 1 is the default. */
const algorithms: readonly (SentencePieceModel["algorithm"] | undefined)[] = [
  undefined,
  "unigram",
  "bpe",
  "word",
  "char",
];

/**
 * Reads a `.model` file of SentencePiece; field numbers and defaults are those of its `sentencepiece_model.proto`.
 *
 * @throws {InputError} If the bytes are not such a file, or are cut off.
 */
export function readSentencePiece(bytes: Uint8Array, fileName: string): SentencePieceModel {
  const pieces: Piece[] = [];
  let algorithm: number = 1;
  let unkId = 0;
  let byteFallback = false;
  let charsmap: Uint8Array = new Uint8Array();
  const trainer: Record<number, FieldReader> = {
    3: (reader) => algorithm = reader.int32(),
    35: (reader) => byteFallback = reader.bool(),
    40: (reader) => unkId = reader.int32(),
  };
  const normalizer: Record<number, FieldReader> = { 2: (reader) => charsmap = reader.bytes() };
  try {
    readMessage(bytes, {
      1: (reader) => {
        pieces.push(readPiece(reader.bytes()));
        if (pieces.length > mostOfTokenizer.ids) {
          throw new RangeError(`more than ${mostOfTokenizer.ids} pieces`);
        }
      },
      2: (reader) => readMessage(reader.bytes(), trainer),
      3: (reader) => readMessage(reader.bytes(), normalizer),
    });
  } catch (cause) {
    const said = errorMessage(cause);
    throw new InputError({
      file: fileName,
      found: said,
      wanted: "a whole SentencePiece model",
      message:
        `Cannot read "${fileName}": it is not a SentencePiece model, or it is cut off (${said}); ${copyAnew}`,
      cause,
    });
  }
  const name = algorithms[algorithm];
  if (pieces.length === 0 || name === undefined || pieces[unkId] === undefined) {
    throw new InputError({
      file: fileName,
      found: `${pieces.length} pieces, model type ${algorithm} and unknown id ${unkId}`,
      wanted: "a SentencePiece model",
      fix: copyAnew,
    });
  }
  return { pieces, algorithm: name, unkId, byteFallback, charsmap };
}

function readPiece(bytes: Uint8Array): Piece {
  let text = "";
  let score = 0;
  let type = 1;
  readMessage(bytes, {
    1: (reader) => text = reader.string(true),
    2: (reader) => score = reader.float(),
    3: (reader) => type = reader.int32(),
  });
  const kind = kinds[type];
  if (kind === undefined) throw new SyntaxError(`piece "${text}" is of the unknown type ${type}`);
  return { text, score, kind };
}

/** Hands each field of a message to its reader and skips those that have none. */
function readMessage(bytes: Uint8Array, fields: Readonly<Record<number, FieldReader>>): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const read = fields[field];
    if (read === undefined || wireType === WireType.EndGroup) reader.skip(wireType, field);
    else read(reader);
  }
}
