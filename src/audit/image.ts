import type { Found } from "./finding.ts";

const hint = "add the digest: IMAGE:TAG@sha256:… (docker buildx imagetools inspect IMAGE:TAG says it)";

/** A container image by its reference; undefined when a digest binds it, or when it is empty. */
export function judgeImage(reference: string): Found | undefined {
  if (reference === "" || reference === "scratch" || /@sha256:[0-9a-f]{64}$/.test(reference))
    return undefined;
  if (/\$/.test(reference)) {
    const message = `image ${reference} is chosen by a variable`;
    return {
      code: "image-undigested",
      severity: "warning",
      message,
      hint: "give the variable a default with a digest",
    };
  }
  const tag = /:([^/:@]+)$/.exec(reference)?.[1];
  if (/nightly|canary/i.test(tag ?? ""))
    return { code: "nightly", severity: "error", message: `image ${reference} is a nightly build`, hint };
  if (tag === undefined || tag === "latest") {
    const message = `image ${reference} is whatever is newest`;
    return { code: "floating-tag", severity: "error", message, hint };
  }
  const message = `image ${reference} has a tag, which can move, and no digest`;
  return { code: "image-undigested", severity: "error", message, hint };
}
