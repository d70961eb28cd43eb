import { assert, assertEquals } from "@std/assert";
import { Inputs } from "../../src/runs/inputs.ts";
import type { SharedEncodings } from "../../src/runs/shared_encodings.ts";
import { expand, planRuns } from "../../src/runs/planning.ts";
import { methods } from "../../src/methods/table.ts";
import { readStudyFile } from "../../src/runs/study_file.ts";

Deno.test("what the inputs of a sweep have tokenised, those of a worker take from shared memory", async () => {
  const { study } = await readStudyFile("quickstart");
  const small = {
    ...study,
    axes: { ...study.axes, tasks: ["Topic"], methods: ["head"], seeds: [1] },
  };
  const folders = { data: null, model: null, study: "experiments" };
  const { inputs, runs } = await planRuns(small, expand(small, methods), folders, methods);
  const { run } = runs[0]!;
  const { parts: [own] } = await inputs.read(run);
  const encoded = own!.encodedOf("dev");
  const message = structuredClone(inputs.shareEncodings());
  const [shared] = [...message.values()] as SharedEncodings[];
  assert(shared!.ids.buffer instanceof SharedArrayBuffer);
  const worker = new Inputs(folders, [], inputs.shareModels());
  worker.giveEncodings(message);
  const { parts: [taken] } = await worker.read(run);
  const found = taken!.encodedOf("dev");
  assertEquals(
    found.map(({ ids, types }) => ({ ids: [...ids], types: [...types] })),
    encoded.map(({ ids, types }) => ({ ids: [...ids], types: [...types] })),
  );
  assert(found.every(({ ids }) => ids.buffer === shared!.ids.buffer));
});
