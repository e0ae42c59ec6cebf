import { readFileSync } from "node:fs";

/** From package.json, which stands beside `src/` in a checkout and beside `dist/` in a package. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;
