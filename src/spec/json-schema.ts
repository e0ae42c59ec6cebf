import { z } from "zod";
import { specSchema } from "./schema.ts";

/** The spec's JSON Schema (draft 2020-12), for editors: `# yaml-language-server: $schema=…`. */
export function specJsonSchema(): object {
  const schema = z.toJSONSchema(specSchema, { target: "draft-2020-12", io: "input" });
  return {
    $id: "urn:tidemark:v1:feature-view",
    title: "tidemark feature view",
    ...schema,
  };
}
