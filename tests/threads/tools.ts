/** Tools, and rules about the code. */
import { loadTests } from "../load_tests.ts";

await loadTests("tools", "contract");
