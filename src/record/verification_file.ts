/**
 * Reads `verify/verification.json`, what `deno task verify` found.
 *
 * @module
 */
import * as z from "zod";
import { type Parser, parserOf } from "./parser.ts";
import type { Verification } from "./verification.ts";
import type { Difference } from "./compare_numbers.ts";

const text = z.string();
const count = z.int().min(0);
const value = z.union([z.number(), text]).nullable();

const difference: z.ZodType<Difference> = z.object({
  quantity: text,
  step: count.nullable(),
  found: value,
  wanted: value,
});

const verification: z.ZodType<Verification> = z.object({
  schema: z.int().min(1),
  study: text,
  verifiedAt: text,
  tolerance: z.number().min(0),
  finishedRuns: count,
  sampleSeed: z.int().nullable(),
  runs: z.array(z.object({
    id: text,
    title: text,
    verdict: z.enum(["bit-equal", "within tolerance", "not reproduced", "inputs differ"]),
    pinned: z.array(z.object({
      item: text,
      kind: z.enum(["code", "input", "machine"]),
      wanted: value,
      found: value,
      isSame: z.boolean(),
    })),
    quantities: z.array(z.object({
      quantity: text,
      agreement: z.enum(["bit-equal", "within tolerance", "different"]),
      compared: count,
      equal: count,
      largestRelative: z.number().min(0),
      first: difference.nullable(),
      firstBeyond: difference.nullable(),
    })),
    first: difference.nullable(),
    firstBeyond: difference.nullable(),
    message: text.nullable(),
  })),
});

/**
 * Parses `verification.json`.
 *
 * @throws {NewerSchemaError} If a newer ranklab wrote it.
 * @throws {RecordFormatError} If a key is missing or holds something else.
 */
export const parseVerification: Parser<Verification> = parserOf(verification, true);
