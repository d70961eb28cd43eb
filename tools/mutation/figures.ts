/**
 * What a mutation run found, as tables.
 *
 * @module
 */
import { kinds } from "./changes.ts";
import { type Mutant, roomOf } from "./sample.ts";
import type { Tried } from "./trial.ts";

/** A mutant that behaves as the program does, found by hand. */
export interface Equivalent extends Pick<Mutant, "path" | "lineText" | "column"> {
  readonly replacement: string;
  readonly reason: string;
}

/** What tells one mutant from all others, also after lines have moved. */
export function keyOf({ path, lineText, column, change }: Mutant): string {
  return JSON.stringify([path, lineText, column, change.replacement]);
}

/** The reason why a mutant changes nothing, or null. */
export function reasonOf(mutant: Mutant, equivalents: readonly Equivalent[]): string | null {
  const own = keyOf(mutant);
  return equivalents.find(({ path, lineText, column, replacement }) =>
    JSON.stringify([path, lineText, column, replacement]) === own
  )?.reason ?? null;
}

/** Counts of mutants by what became of them. */
export interface Figures {
  readonly made: number;
  /** By a test that failed, or that did not end. */
  readonly byTests: number;
  readonly byTypes: number;
  readonly equivalent: number;
  readonly survived: number;
}

/** Counts mutants; those whose line has moved are left out. */
export function figuresOf(
  tried: readonly Tried[],
  equivalents: readonly Equivalent[],
): Figures {
  const found = tried.filter(({ outcome }) => outcome.kind !== "moved");
  const count = (isCounted: (one: Tried) => boolean) => found.filter(isCounted).length;
  const isEquivalent = ({ mutant, outcome }: Tried) =>
    outcome.kind === "survived" && reasonOf(mutant, equivalents) !== null;
  return {
    made: found.length,
    byTests: count(({ outcome: { kind } }) => kind === "caught" || kind === "hung"),
    byTypes: count(({ outcome: { kind } }) => kind === "types"),
    equivalent: count(isEquivalent),
    survived: count((one) => one.outcome.kind === "survived" && !isEquivalent(one)),
  };
}

/** The share of the mutants that change something which something noticed, in percent; null without any. */
export function shareCaught({ made, byTests, byTypes, equivalent }: Figures): number | null {
  const real = made - equivalent;
  return real === 0 ? null : 100 * (byTests + byTypes) / real;
}

function row(name: string, figures: Figures): string {
  const { made, byTests, byTypes, equivalent, survived } = figures;
  const share = shareCaught(figures);
  const caught = share === null ? "" : `${share.toFixed(0)} %`;
  return `| ${[name, made, byTests, byTypes, equivalent, survived, caught].join(" | ")} |`;
}

/** Lines of a table with a row for each group. */
function tableLines(
  tried: readonly Tried[],
  equivalents: readonly Equivalent[],
  first: string,
  groups: readonly string[],
  of: (mutant: Mutant) => string,
): readonly string[] {
  return [
    `| ${first} | made | caught by tests | caught by types | equivalent | survived | caught |`,
    "| --- | --: | --: | --: | --: | --: | --: |",
    ...groups.map((group) => ({
      group,
      own: tried.filter(({ mutant }) => of(mutant) === group),
    })).filter(({ own }) => own.length > 0)
      .map(({ group, own }) => row(group, figuresOf(own, equivalents))),
    row("all", figuresOf(tried, equivalents)),
  ];
}

/** A table in Markdown: by file. */
export function fileFiguresText(
  tried: readonly Tried[],
  equivalents: readonly Equivalent[],
): string {
  const files = [...new Set(tried.map(({ mutant }) => mutant.path))].sort();
  return tableLines(tried, equivalents, "file", files, ({ path }) => path).join("\n");
}

/** Tables in Markdown: by room, and by kind of change. */
export function figuresText(
  tried: readonly Tried[],
  equivalents: readonly Equivalent[],
): string {
  const table = (first: string, groups: readonly string[], of: (mutant: Mutant) => string) =>
    tableLines(tried, equivalents, first, groups, of);
  const rooms = [...new Set(tried.map(({ mutant }) => roomOf(mutant.path)))];
  return [
    ...table("room", rooms, ({ path }) => roomOf(path)),
    "",
    ...table("change", kinds, ({ change }) => change.kind),
  ].join("\n");
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= 60 ? line : `${line.slice(0, 57)}...`;
}

/** A mutant in a line: where it is, and what becomes of what. */
export function mutantText({ path, line, before, change }: Mutant): string {
  const after = change.replacement.trim() === "" ? "nothing" : shortened(change.replacement);
  return `${path}:${line} (${change.kind}) ${shortened(before)} => ${after}`;
}

/** A mutant and what became of it in a line. */
export function triedText(
  { mutant, outcome, seconds }: Tried,
  equivalents: readonly Equivalent[],
): string {
  const reason = reasonOf(mutant, equivalents);
  const what = outcome.kind === "survived"
    ? reason === null
      ? `SURVIVED ${outcome.after} s of tests, ${outcome.left} files left`
      : `equivalent: ${reason}`
    : outcome.kind === "moved"
    ? "moved"
    : `${outcome.kind}: ${shortened(outcome.by)}`;
  return `${mutantText(mutant)}\n    ${what} (${seconds.toFixed(0)} s)`;
}
