/**
 * Events of a study's work in words, and as lines of JSON for programs that follow a command by `--json`.
 *
 * @module
 */
import { counted, listed } from "../base/format.ts";
import type { WorkEvent } from "../runs/events.ts";
import type { StudyResults } from "../analysis/results.ts";
import { givenModelText } from "../study/schema/model_name.ts";

/** Events that a line of their own says; the others are about a job's progress or its end. */
export type LineEvent = Exclude<
  WorkEvent,
  {
    kind:
      | "begun"
      | "step"
      | "share"
      | "stopped"
      | "recorded"
      | "paused"
      | "ablated"
      | "measured"
      | "left out"
      | "verified";
  }
>;

/** An event that a line of its own says. */
export function eventText(event: LineEvent): string {
  switch (event.kind) {
    case "warning":
      return `Warning: ${event.warning.text}`;
    case "encoder":
      return givenModelText(event.given);
    case "unused data":
      return `Warning: no run reads "${event.given}" (--data), which is for GLUE's tasks`;
    case "hardly decidable":
      return `Warning: ${event.undecidable.text}`;
    case "damaged": {
      const { folder, problem } = event.run;
      return `Run ${folder} damaged and left out: ${problem}; delete its folder and sweep again`;
    }
    case "damaged file": {
      const { file, command, problem } = event.file;
      return `${file} is damaged and left out: ${problem}; deno task ${command} makes it anew`;
    }
    case "device": {
      const { work, name, description, jobs, threads } = event;
      const each = threads === 1 ? "one thread" : `${threads} threads`;
      return jobs === 1
        ? `${work} on ${description}`
        : `${work} on ${name}, ${jobs} at a time with ${each} each`;
    }
    case "nothing to replay":
      return "No finished run with ranks of its own, so there is nothing to replay";
    case "done elsewhere":
      return `${event.title}: done by another process`;
    case "left":
      return `${event.title}: left to ${event.by}`;
    case "taken over":
      return `${event.title}: taken over from ${event.from}, which gave no sign of life`;
    case "anew":
      return `${event.title} starts anew: ${event.reason}`;
    case "not written":
      return `"${event.path}" is left as it is: ${event.message}`;
    case "look":
      return event.look.text;
    case "seeds added": {
      const { seeds, claims, runs } = event;
      const which = `${seeds.length === 1 ? "Seed" : "Seeds"} ${seeds.join(", ")}`;
      return `${which} for ${listed(claims)}: ${counted(runs, "run")}`;
    }
    case "left open":
      return `${event.claim} gets no more seeds: ${event.reason}`;
    case "done twice": {
      const { title, differences } = event;
      const made =
        `${title} was finished by another process at the same time; its results are kept`;
      return differences.length === 0
        ? `${made}, these are the same`
        : `${made}, these differ in: ${differences.join(", ")}`;
    }
  }
}

/** All that is said of what is left out of a study's results. */
export function damagedTexts(
  { damaged, damagedFiles }: Pick<StudyResults, "damaged" | "damagedFiles">,
): readonly string[] {
  return [
    ...damaged.map((run) => eventText({ kind: "damaged", run })),
    ...damagedFiles.map((file) => eventText({ kind: "damaged file", file })),
  ];
}

/** Milliseconds between two lines about the steps, or the share, of one job. */
const pauseMillis = 1_000;

/** Events as lines; of the many about a job's progress one a second is given. */
export class EventLines {
  readonly #toldAt = new Map<string, number>();

  /**
   * The event as one line of JSON, its `kind` first; numbers that JSON has no word for are null.
   *
   * @param at Milliseconds of any clock that goes forward.
   * @returns null where a line about the same job's progress was given less than a second before.
   */
  lineOf(event: WorkEvent, at: number): string | null {
    if (event.kind === "step" || event.kind === "share") {
      if (at - (this.#toldAt.get(event.title) ?? -Infinity) < pauseMillis) return null;
      this.#toldAt.set(event.title, at);
    }
    return JSON.stringify(event);
  }
}
