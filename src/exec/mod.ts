/**
 * Executors: where programs run.
 *
 * @module
 */
export {
  type Choice,
  chooseExecutor,
  type ChooseOptions,
  type Device,
  devices,
  type ExecutorMakers,
  type MakerOptions,
  type Tried,
} from "./choose.ts";
export {
  type DeviceTensor,
  type Executor,
  ExecutorError,
  type ExecutorKind,
  type LoadOptions,
  type RunRequest,
  type RunResult,
  type Session,
} from "./executor.ts";
