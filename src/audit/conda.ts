import { type Auditor, at, type Found } from "./finding.ts";
import { judgeOption, judgeRequirement } from "./requirement.ts";
import { unpinned, unstable } from "./version.ts";
import { textsOf } from "./yaml-file.ts";

/** environment.yml of conda, and what pip is to install beside it. The form has no place for hashes: a conda-lock has. */
export const conda: Auditor = {
  matches: /(?:^|\/)(?:conda|environment)(?:[.-][\w.-]+)?\.ya?ml$/,
  audit(file) {
    return textsOf(file.text)
      .filter(({ keys }) => keys[0] === "dependencies")
      .flatMap(({ value, offset, keys }) => {
        const found = keys.at(-1) === "pip" ? judgePip(value) : judgeConda(value);
        return found.map((each) => at(file, offset, each));
      });
  },
};

function judgePip(value: string): readonly Found[] {
  if (!value.startsWith("-"))
    return judgeRequirement(value, { hashed: false, locked: false, hashless: true });
  const option = judgeOption(value);
  return option === undefined ? [] : [option];
}

/** `numpy=1.21.5`, `numpy==1.21.5` and `numpy=1.21.5=py39_0` are exact; `python=3.9` is whatever 3.9 is newest. */
function judgeConda(value: string): readonly Found[] {
  const [, name = value, given = ""] = /^(?:[\w.-]+::)?([\w.-]+)\s*(.*)$/.exec(value.trim()) ?? [];
  if (name === "pip" && given === "") return [];
  const version = given.trim().replace(/^(\d)/, "=$1");
  const exact = /^(?:==\s*([\w.+!-]+)|=\s*([\w.+!-]+)=[\w.]+|=\s*(\d+\.\d+\.[\w.+!-]+))$/.exec(version);
  const blamed = unstable(name, exact?.slice(1).find((each) => each !== undefined) ?? "");
  if (blamed !== undefined) return [blamed];
  return exact === null ? [unpinned(name, given)] : [];
}
