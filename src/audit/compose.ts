import { type Auditor, at } from "./finding.ts";
import { judgeImage } from "./image.ts";
import { textsOf } from "./yaml-file.ts";

/** compose.yaml: the images of services that are not built here. */
export const compose: Auditor = {
  matches: /(?:^|\/)(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$/,
  audit(file) {
    const texts = textsOf(file.text).filter(({ keys }) => keys[0] === "services");
    const built = new Set(texts.filter(({ keys }) => keys[2] === "build").map(({ keys }) => keys[1]));
    return texts.flatMap(({ value, offset, keys }) => {
      if (keys.length !== 3 || keys[2] !== "image" || built.has(keys[1])) return [];
      const image = value.replace(/\$\{\w+:?-([^}]*)\}/g, "$1");
      const found = judgeImage(image);
      return found === undefined ? [] : [at(file, offset, found)];
    });
  },
};
