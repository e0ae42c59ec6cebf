import type { ForeignFormat } from "./foreign-format.ts";
import { greatExpectations } from "./foreign-great-expectations.ts";
import { jsonSchema } from "./foreign-json-schema.ts";
import { odcs } from "./foreign-odcs.ts";
import { pandera } from "./foreign-pandera.ts";
import { tfdv } from "./foreign-tfdv.ts";

/** Every format of others that can be read, and those that can be written: one file each, one line here. */
export const foreignFormats: readonly ForeignFormat[] = [greatExpectations, odcs, tfdv, jsonSchema, pandera];
