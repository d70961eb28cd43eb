/**
 * The thread that reads a study file and gives what is data of it; see `apart.ts`.
 *
 * @module
 */
import { answerThread } from "../../base/ask_thread.ts";
import { readStudyFile, type StudyData } from "./study_file.ts";

answerThread(async (name: string): Promise<StudyData> => {
  const { study, path, folder } = await readStudyFile(name);
  return { study, path, folder };
});
