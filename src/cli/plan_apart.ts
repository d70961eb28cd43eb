/**
 * The plan of a study, made where the study may only read.
 *
 * @module
 */
import { hubCache } from "../fetch/hub.ts";
import { bringOwnFiles } from "../fetch/own_data.ts";
import { askApart } from "../runs/plan/apart.ts";
import { terminalTransport } from "./fetch_report.ts";
import type { PlanOptions } from "./plan_text.ts";

/** What the thread is asked. */
export interface PlanAsked {
  readonly name: string;
  readonly options: PlanOptions;
  /** The folder of the hub's cache. */
  readonly cache: string;
}

/**
 * The plan of a study as {@linkcode planText} writes it. The study's module, if it is one, and its methods run in a thread that may
 * read and do nothing else: functions cannot be posted, so that not the study comes here, but the plan is made there.
 *
 * @param name A study's file, or its name in `experiments/`.
 *
 * @throws {UsageError} If there is no such study.
 * @throws {Error} With every problem that would stop the study.
 */
export async function planApart(name: string, options: PlanOptions): Promise<string> {
  const asked: PlanAsked = { name, options, cache: hubCache() };
  // The thread may fetch nothing.
  await bringOwnFiles(terminalTransport);
  return await askApart(new URL("./plan_thread.ts", import.meta.url), asked);
}
