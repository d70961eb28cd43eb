/** Graphs, encoders, methods and tasks. */
import { loadTests } from "../load_tests.ts";

await loadTests("methods", "models", "tasks", "graph", "study", "base", "fetch", "peft", "vendor");
