import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

const room = join(import.meta.dirname, "../../src/sketch");
export const generatedFile = join(room, "kernel-bytes.ts");

const sources = ["layout.ts", "numbers.ts", "texts.ts"];
/** Memory in pages of 64 KiB: it never grows. */
const pages = "16";

/**
 * Compiles `src/sketch/assembly`.
 * @returns the text of `src/sketch/kernel-bytes.ts`
 */
export async function compileKernel(): Promise<string> {
  let bytes = new Uint8Array();
  const memory = ["--initialMemory", pages, "--maximumMemory", pages];
  const flags = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", ...memory];
  const { error, stderr } = await asc.main([...sources, ...flags, "--outFile", "kernel.wasm"], {
    readFile: (name) => (sources.includes(name) ? readFileSync(join(room, "assembly", name), "utf8") : null),
    writeFile: (_name, contents) => {
      bytes = Uint8Array.from(contents as Uint8Array);
    },
    listFiles: () => [],
  });
  if (error !== null || stderr.toString() !== "")
    throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,100}/g) ?? [];
  return [
    "/** WebAssembly in base64, made by `npm run kernel` from `assembly/`. */",
    "export const kernelBytes =",
    `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  writeFileSync(generatedFile, await compileKernel());
