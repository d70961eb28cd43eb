/**
 * What a run asks the train room for.
 *
 * @module
 */
import { hashJson } from "../base/hash.ts";
import type { Json } from "../base/canonical_json.ts";
import type { Executor } from "../exec/executor.ts";
import { capOf } from "../study/budget/costs.ts";
import type { ProgramCache } from "../train/programs.ts";
import { runData } from "../train/run_data.ts";
import type { TrainingRequest } from "../train/run_types.ts";
import { runStages } from "../train/stages.ts";
import type { ModuleDirections } from "../train/vectors.ts";
import type { Inputs, ReadRun } from "./inputs.ts";
import type { PlannedRun } from "./plan/planned_run.ts";

interface RequestContext {
  readonly executor: Executor;
  readonly programs: ProgramCache;
}

/** What a run asks the train room for, with all that it needs read first. */
export async function trainingRequest(
  planned: PlannedRun,
  context: RequestContext & { readonly inputs: Inputs },
): Promise<TrainingRequest> {
  return requestOf(planned, await context.inputs.read(planned.run), context);
}

/**
 * What a run asks the train room for.
 *
 * @param directions What its method's estimate found for its modules to start with. Default: nothing.
 */
export function requestOf(
  { run, method, plan, modules }: PlannedRun,
  read: ReadRun,
  context: RequestContext,
  directions?: ModuleDirections,
): TrainingRequest {
  const { model, task } = read;
  const bound = method.bind(run.options);
  const scores = bound.adapter?.policy?.scores;
  const data = runData(run, read, scores?.type === "removal" ? scores.examples : 0);
  const { dropout, beta1, beta2, epsilon, weightDecay, clipNorm, regressionBias } =
    run.settings.train;
  const train = {
    dropout,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    clipNorm,
    ...(regressionBias === undefined ? {} : { regressionBias }),
  };
  const headRate: Record<never, never> | { readonly hasHeadRate: true } =
    (run.settings.train.headLearningRate ?? null) === null ? {} : { hasHeadRate: true };
  const costs = method.costs(run.options);
  const ranks = plan === null
    ? []
    : modules.map((module, i) => ({ module, rank: plan.initial[i]! }));
  return {
    executor: context.executor,
    programs: context.programs,
    programKey: hashJson({
      weights: model.weightsHash,
      method: run.method,
      options: run.options,
      ranks: ranks.map(({ module, rank }) => [module.name, rank]),
      output: task.output as unknown as Json,
      stages: data.stages.length,
      train: train as unknown as Json,
      ...headRate,
    }),
    assembly: {
      encoder: model,
      output: task.output,
      stages: data.stages.length,
      method: bound,
      ranks,
      train,
      ...headRate,
    },
    task,
    settings: run.settings,
    seed: run.seed,
    finalTotal: plan?.finalTotal ?? 0,
    costs,
    cap: capOf(
      method,
      run,
      modules,
      runStages(run.settings, data.stages).reduce((sum, { steps }) => sum + steps, 0),
    ),
    ...(directions === undefined ? {} : { directions }),
    stages: data.stages,
    splits: data.splits,
  };
}
