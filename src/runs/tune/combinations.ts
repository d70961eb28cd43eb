/**
 * The combinations of a study whose settings are chosen, each with its space and the runs that a trial of it consists of.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
import { type Budget, budgetKey, budgetOf, type StudyBudget } from "../../study/budget/budget.ts";
import {
  layerOf,
  parseSettingPath,
  shortNames,
  valueText,
} from "../../study/schema/setting_paths.ts";
import { overlaySettings } from "../../study/schema/settings.ts";
import { variesBy } from "../../study/grid/variants.ts";
import type { Study } from "../../study/schema/study.ts";
import { type SeededTune, type Tune, tuneDefaults } from "../../study/schema/tune.ts";
import type { TunedFor } from "../../study/schema/tuned.ts";
import type { GridRun, MethodEntry } from "../../study/types.ts";
import type { Metric } from "../../tasks/types.ts";
import { expand } from "../plan/planning.ts";
import type { Point, Space } from "./space.ts";

/** What settings are chosen for, and what a trial of it is. */
export interface Combination {
  readonly of: TunedFor;
  /** The settings that vary and that the method has. */
  readonly space: Space;
  /** The runs of a trial, without its values: one for each task, budget and seed. */
  readonly runs: readonly GridRun[];
}

/** The part of a space that a method has: all settings, and its own options. */
function spaceOf(vary: Tune["vary"], entry: MethodEntry): Space {
  return Object.fromEntries(Object.entries(vary).filter(([text]) => variesBy(entry, text)));
}

/** The label of a run's entry of the methods' axis, without what else the study varies. */
function armOf({ arm, label }: GridRun): string {
  return arm ?? label;
}

/** The study's grid with the seeds of the trials, evaluated on what is held out. */
function gridOf(
  study: Study,
  tune: SeededTune,
  methods: MethodTable,
  mostRuns: number,
  metrics: readonly Metric[],
) {
  const { tune: _tune, tuned: _tuned, claims: _claims, except, ...rest } = study;
  // What is left out for seeds of the study says nothing of others.
  const left = (except ?? []).filter(({ seed }) => seed === undefined);
  const grid = expand(
    {
      ...rest,
      ...(left.length === 0 ? {} : { except: left }),
      axes: { ...study.axes, seeds: tune.seeds },
    },
    methods,
    mostRuns,
    metrics,
  );
  const { heldOut } = tune;
  return grid.map((run): GridRun => ({
    ...run,
    settings: overlaySettings(run.settings, {
      train: {
        heldOut,
        // A run that ends at a plateau watches the score that trials are compared by.
        ...(run.settings.train.until === undefined ? {} : { until: { plateau: { heldOut } } }),
      },
    }),
  }));
}

function isTuned({ tasks, methods, budgets }: Tune, run: GridRun): boolean {
  const key = run.budget === null ? null : budgetKey(run.budget);
  return (tasks?.includes(run.task) ?? true) &&
    (key === null || (budgets?.some((own) => budgetKey(budgetOf(own)) === key) ?? true)) &&
    (methods?.includes(armOf(run)) ?? run.askedRanks?.type !== "run");
}

/** A budget as the study writes it. */
export function writtenIn(study: Study, budget: Budget): StudyBudget | undefined {
  return study.axes.budgets?.find((own) => budgetKey(budgetOf(own)) === budgetKey(budget));
}

/**
 * The combinations of a study that its `tune` block chooses settings for, in the order of the grid.
 *
 * @param mostRuns Runs of the study's grid at most.
 * @param metrics Metrics that its tasks may name beside ranklab's. Default: none.
 * @throws {StudyError} If the study cannot be planned.
 */
export function combinationsOf(
  study: Study,
  tune: SeededTune,
  methods: MethodTable,
  mostRuns: number,
  metrics: readonly Metric[] = [],
): readonly Combination[] {
  const per = tune.per ?? tuneDefaults.per;
  const grouped = Map.groupBy(
    gridOf(study, tune, methods, mostRuns, metrics).filter((run) => isTuned(tune, run)),
    (run) =>
      JSON.stringify([
        armOf(run),
        per.includes("task") && run.task,
        per.includes("budget") && run.budget,
      ]),
  );
  return [...grouped.values()].map((runs): Combination => {
    const { method, task, budget } = runs[0]!;
    const own = budget === null ? undefined : writtenIn(study, budget);
    return {
      of: {
        method: armOf(runs[0]!),
        name: method,
        ...(per.includes("task") ? { task } : {}),
        ...(per.includes("budget") && own !== undefined ? { budget: own } : {}),
      },
      space: spaceOf(tune.vary, findMethod(method, methods)),
      runs,
    };
  });
}

/**
 * A run with the values of a trial, which go before all else that the study says.
 *
 * @throws {Error} If the method refuses an option's value.
 */
export function trialRun(run: GridRun, point: Point, entry: MethodEntry): GridRun {
  const layers = Object.entries(point).map(([text, value]) =>
    layerOf(parseSettingPath(text), value)
  );
  const options = entry.parseOptions(
    Object.assign({}, run.options, ...layers.map(({ options }) => options)),
  );
  const names = shortNames(Object.keys(point));
  const values = Object.entries(point)
    .map(([text, value]) => `${names.get(text)}=${valueText(value)}`);
  return {
    ...run,
    label: [run.label, ...values].join(" "),
    arm: armOf(run),
    varied: { ...run.varied, ...point },
    options,
    budget: budgetWith(run.budget, options, entry),
    settings: overlaySettings(run.settings, ...layers.map(({ set }) => set)),
  };
}

/** A budget that says whether the method keeps to it with its options. */
function budgetWith(budget: Budget | null, options: Json, entry: MethodEntry): Budget | null {
  if (budget === null || budget.type === "rank") return budget;
  const { type, value } = budget;
  return { type, value, ...(entry.keepsCap?.(options) === true ? { isCap: true } : {}) };
}

/** What a combination is called: `lora`, `lora on RTE`, `lora on RTE at 4`. */
export function combinationTitle({ method, task, budget }: TunedFor): string {
  const at = budget === undefined ? "" : ` at ${valueText(budget as Json)}`;
  return `${method}${task === undefined ? "" : ` on ${task}`}${at}`;
}
