// What `tidemark/client` resolves to: the sources in a checkout, their build when installed.
import { existsSync } from "node:fs";

const source = new URL("../src/client/client.ts", import.meta.url);
const client = await import(
  existsSync(source) ? source.href : new URL("../dist/client/client.js", import.meta.url).href
);

export const { createGate, createTensorReporter, loadSpec, modelHeaders, tensorStats, validator } = client;
