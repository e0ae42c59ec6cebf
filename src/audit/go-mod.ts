import { type Auditor, at } from "./finding.ts";
import { noLock } from "./version.ts";

/** go.mod: its versions are exact by the language; their hashes stand in go.sum. */
export const goMod: Auditor = {
  matches: /(?:^|\/)go\.mod$/,
  audit(file, project) {
    const requires = /^\s*require\s*(?:\(|\S+\s+v)/m.exec(file.text);
    if (requires === null || project.nearest(file.path, ["go.sum"]) !== undefined) return [];
    const offset = requires.index + (requires[0].length - requires[0].trimStart().length);
    return [at(file, offset, noLock("go.mod", "go mod tidy writes go.sum"))];
  },
};
