/**
 * The first place where ranklab departs from a trace.
 *
 * @module
 */
import { type ModuleSlots, slotParts, type SlotTable } from "./slots.ts";

/** Where two runs differ first. */
export interface Difference {
  readonly step: number;
  /** For instance `threshold`, `parameters before the event`. */
  readonly quantity: string;
  /** Null where the quantity belongs to all modules. */
  readonly module: string | null;
  /** Place within the quantity, for instance `A[2][0]` (slot 2, entry 0); empty for a single number. */
  readonly index: string;
  readonly found: number | string;
  readonly wanted: number | string;
}

/** Tolerances: |found − wanted| ≤ absolute + relative·|wanted|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** A difference as a sentence. */
export function describeDifference(difference: Difference): string {
  const { step, quantity, module, index, found, wanted } = difference;
  const place = module === null ? "" : ` of "${module}"`;
  return `Step ${step}: ${quantity}${place}${
    index && ` at ${index}`
  } is ${found}, ${wanted} wanted`;
}

/** Compares quantities in turn and keeps the first difference. */
export class Comparison {
  readonly #tolerance: Tolerance;
  #first: Difference | null = null;

  constructor(tolerance: Tolerance) {
    this.#tolerance = tolerance;
  }

  /** The first difference so far, or null. */
  get first(): Difference | null {
    return this.#first;
  }

  /** Notes a difference unless one came before. */
  note(difference: Difference): void {
    this.#first ??= difference;
  }

  /** Compares one number with the tolerance; NaN equals nothing. */
  number(
    at: Pick<Difference, "step" | "quantity" | "module" | "index">,
    found: number,
    wanted: number,
  ): void {
    const { absolute, relative } = this.#tolerance;
    if (Math.abs(found - wanted) <= absolute + relative * Math.abs(wanted)) return;
    this.note({ ...at, found, wanted });
  }

  /** Compares two values exactly. */
  exact(
    at: Pick<Difference, "step" | "quantity" | "module" | "index">,
    found: number | string,
    wanted: number | string,
  ): void {
    if (!Object.is(found, wanted)) this.note({ ...at, found, wanted });
  }

  /** Compares lists of numbers, length first. */
  list(
    at: Omit<Difference, "found" | "wanted">,
    found: ArrayLike<number>,
    wanted: ArrayLike<number>,
  ): void {
    this.exact({ ...at, index: `${at.index}.length` }, found.length, wanted.length);
    if (this.#first !== null) return;
    for (let i = 0; i < wanted.length; i++) {
      this.number({ ...at, index: `${at.index}[${i}]` }, found[i]!, wanted[i]!);
    }
  }

  /** Compares tables slot by slot; `found` may hold more slots at the end where `isPrefix` is set. */
  table(
    step: number,
    quantity: string,
    found: SlotTable,
    wanted: SlotTable,
    isPrefix = false,
  ): void {
    for (const [module, own] of Object.entries(wanted)) {
      const held = found[module];
      if (held === undefined) {
        this.note({ step, quantity, module, index: "", found: "nothing", wanted: "a module" });
        return;
      }
      const rank = own.e.length;
      const cut: ModuleSlots = isPrefix
        ? { a: held.a.slice(0, rank), e: held.e.slice(0, rank), b: held.b.slice(0, rank) }
        : held;
      for (const part of slotParts) {
        const name = part.toUpperCase();
        if (part === "e") {
          this.list({ step, quantity, module, index: name }, cut.e, own.e);
          continue;
        }
        const at = { step, quantity, module };
        this.exact({ ...at, index: `${name}.length` }, cut[part].length, own[part].length);
        if (this.#first !== null) return;
        own[part].forEach((values, slot) =>
          this.list({ ...at, index: `${name}[${slot}]` }, cut[part][slot] ?? [], values)
        );
      }
    }
  }
}
