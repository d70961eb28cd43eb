/** The engine in a browser tab. */
import { loadTests } from "../load_tests.ts";

await loadTests("web");
