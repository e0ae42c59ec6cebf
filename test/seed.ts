import fc from "fast-check";

/**
 * Loaded before every test file by test/run.ts: property tests draw the same cases in every run, so that what passed here passes
 * there. Without the variable (a test file run by itself) each run draws others, as fast-check does.
 */
export const seedVariable = "TEST_SEED";

const seed = process.env[seedVariable];
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });
