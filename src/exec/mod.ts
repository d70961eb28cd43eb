/**
 * Executors: where programs run.
 *
 * @module
 */
export {
  type Choice,
  type Device,
  devices,
  type ExecutorMakers,
  type MakerOptions,
  type Tried,
} from "./choice.ts";
export { chooseExecutor, type ChooseOptions } from "./choose.ts";
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
