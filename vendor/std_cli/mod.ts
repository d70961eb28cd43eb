/**
 * The part of `@std/cli` that this repository uses, with its published behaviour.
 *
 * @module
 */
export * from "./parse_args.ts";
