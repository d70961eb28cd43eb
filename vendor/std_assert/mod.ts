export * from "./assert.ts";
