/**
 * Events of a study's work that are a line of their own.
 *
 * @module
 */
import { counted, listed } from "../base/format.ts";
import type { WorkEvent } from "../runs/events.ts";

/** Those events. */
export type AloneEvent = Extract<
  WorkEvent,
  {
    kind:
      | "left"
      | "taken over"
      | "anew"
      | "done twice"
      | "not written"
      | "look"
      | "seeds added"
      | "left open";
  }
>;

/** An event that is a line of its own. */
export function aloneText(event: AloneEvent): string {
  switch (event.kind) {
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
