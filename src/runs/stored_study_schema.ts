/**
 * What `study.json` in a results folder must hold; the rest of it is the study's own.
 *
 * @module
 */
import * as z from "zod";
import { parserOf } from "../record/parser.ts";
import type { ClaimsStatement } from "../analysis/claims/statement.ts";
import { claimsSchema, decideSchema, marginSchema } from "../study/schema/claims.ts";
import { convergenceSchema } from "../study/schema/study.ts";
import { comparisonsSchema } from "../study/compare/pairs.ts";

const text = z.string();

/** A folder in the study's, so that no file of results leads to another place. */
const folderName = text.regex(
  /^(?!\.{1,2}$)[^/\\\0]+$/,
  "want the name of a folder without a path",
);

/** When a study's claims were stated. */
export const statementsSchema: z.ZodType<readonly ClaimsStatement[]> = z.array(
  z.object({
    hash: text,
    at: z.iso.datetime(),
    arms: z.exactOptional(text),
    begun: z.exactOptional(z.int().min(0)),
    convergence: z.exactOptional(text),
    seeds: z.exactOptional(z.record(text, z.array(text))),
  }),
);

/** What everything that reads a stored study counts on. */
export const parseStoredStudy = parserOf(
  z.looseObject({
    schema: z.int().min(1),
    study: z.looseObject({
      name: text,
      title: z.exactOptional(text),
      description: z.exactOptional(text),
      userTasks: z.exactOptional(z.array(z.json())),
      sequences: z.exactOptional(z.record(text, z.array(text))),
      axes: z.exactOptional(z.looseObject({ seeds: z.array(z.int()).min(1) })),
      margin: z.exactOptional(marginSchema),
      claims: z.exactOptional(claimsSchema),
      decide: z.exactOptional(decideSchema),
      convergence: z.exactOptional(convergenceSchema),
      comparisons: z.exactOptional(comparisonsSchema),
    }).refine(({ claims, axes }) => claims === undefined || axes !== undefined, {
      error: "found claims without axes, want the seeds that they are about",
    }),
    studyFolder: text,
    data: text.nullable(),
    model: text.nullable(),
    device: text,
    methods: z.exactOptional(z.array(z.looseObject({
      name: text,
      study: text,
      module: text,
      hash: text,
    }))),
    warnings: z.exactOptional(z.array(z.looseObject({
      task: text,
      kind: text,
      count: z.int(),
      of: z.int(),
      text,
    }))),
    claimsStated: z.exactOptional(statementsSchema),
    seedsAdded: z.exactOptional(z.array(z.int())),
    runs: z.array(z.looseObject({
      folder: folderName,
      id: text,
      run: z.looseObject({
        task: text,
        sequence: z.exactOptional(z.array(text)),
        method: text,
        label: text,
        arm: z.exactOptional(text),
        varied: z.exactOptional(z.record(text, z.json())),
        budget: z.looseObject({ type: text, value: z.number() }).nullable(),
        seed: z.int(),
        settings: z.looseObject({}),
      }),
      replay: z.exactOptional(z.looseObject({ variant: text, source: text, baseline: text })),
    })),
  }),
  true,
);
