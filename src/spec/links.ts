import type { FeatureView, ModelLink } from "../model/feature-view.ts";

/** What `tidemark link lock` writes down of one view: the last state that spec and models agreed on. */
export interface LockedView {
  readonly version: number;
  readonly fingerprint: string;
  readonly models: readonly Readonly<Record<string, string>>[];
}

/** By view. */
export type LinkLock = Readonly<Record<string, LockedView>>;

export type LinkCode = "spec-moved" | "model-moved" | "fingerprint" | "version" | "unlinked" | "unlocked";

export interface LinkFinding {
  readonly view: string;
  /** Place of the model in `models:`; undefined: the whole spec. */
  readonly model: number | undefined;
  readonly code: LinkCode;
  /** warning: nothing is wrong that is known, and less is known than could be. */
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

/** The state to lock. */
export function lockOf(view: FeatureView): LockedView {
  return { version: view.version, fingerprint: view.fingerprint, models: view.models.map(plain) };
}

/**
 * Whether a spec and the models that it is linked to agree: every model was trained with this spec, and neither has moved
 * without the other since they were locked.
 * @param locked  undefined: never locked, so only fingerprints are compared
 */
export function checkLinks(view: FeatureView, locked: LockedView | undefined): readonly LinkFinding[] {
  const findings = view.models.flatMap((model, index) => checkModel(view, model, index, locked));
  if (locked !== undefined) findings.push(...checkMoves(view, locked));
  else if (view.models.length > 0 && view.models.every(({ fingerprint }) => fingerprint === undefined)) {
    findings.push({
      view: view.name,
      model: undefined,
      code: "unlocked",
      severity: "warning",
      message: `${view.name} and its models were never locked: a move of one without the other would not be seen`,
      hint: "run `tidemark link lock` once they are deployed together, and commit links.lock.json",
    });
  }
  return findings;
}

function checkModel(
  view: FeatureView,
  model: ModelLink,
  index: number,
  locked: LockedView | undefined,
): LinkFinding[] {
  const name = modelName(model);
  const at = { view: view.name, model: index };
  if (model.fingerprint === undefined) {
    // the lock says with which spec it was deployed; whether it moved since is for checkMoves
    if (locked !== undefined) return [];
    return [
      {
        ...at,
        code: "unlinked",
        severity: "warning",
        message: `${name} names no fingerprint of the spec that it was trained with`,
        hint: `if it is this one: fingerprint: ${view.fingerprint}, or run \`tidemark link lock\``,
      },
    ];
  }
  if (model.fingerprint === view.fingerprint) return [];
  return [
    {
      ...at,
      code: "fingerprint",
      severity: "error",
      message: `${name} was trained with another spec (${short(model.fingerprint)}) than ${view.name} v${view.version} is (${short(view.fingerprint)})`,
      hint: `retrain the model and name ${view.fingerprint}, or take the change of the spec back`,
    },
  ];
}

function checkMoves(view: FeatureView, locked: LockedView): LinkFinding[] {
  const specMoved = locked.fingerprint !== view.fingerprint;
  const modelsMoved = JSON.stringify(locked.models) !== JSON.stringify(view.models.map(plain));
  const at = { view: view.name, model: undefined, severity: "error" } as const;
  const findings: LinkFinding[] = [];
  if (specMoved && !modelsMoved) {
    findings.push({
      ...at,
      code: "spec-moved",
      message: `${view.name} changed since it was locked (${short(locked.fingerprint)} → ${short(view.fingerprint)}), and its models did not`,
      hint: "release a model that was trained with it and name it under models, or take the change back",
    });
  }
  if (modelsMoved && !specMoved) {
    const names = (models: LockedView["models"]): string => models.map(modelName).join(", ") || "none";
    findings.push({
      ...at,
      code: "model-moved",
      message: `the models of ${view.name} changed since they were locked (${names(locked.models)} → ${names(view.models.map(plain))}), and the spec did not`,
      hint: "if the new model was trained with this very spec, run `tidemark link lock` in the same change",
    });
  }
  if (specMoved && modelsMoved) {
    findings.push({
      ...at,
      code: "version",
      message: `${view.name} and its models moved together, and the lock still names v${locked.version}`,
      hint: "run `tidemark link lock` in the same change",
    });
  }
  if (specMoved && locked.version === view.version) {
    findings.push({
      ...at,
      code: "version",
      message: `${view.name} changed, and its version is still ${view.version}`,
      hint: "raise the version: events and models are told apart by it",
    });
  }
  return findings;
}

function modelName({
  name,
  version,
}: {
  readonly name?: string;
  readonly version?: string | undefined;
}): string {
  return version === undefined ? (name ?? "?") : `${name} ${version}`;
}

function plain(model: ModelLink): Record<string, string> {
  return Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined));
}

function short(fingerprint: string): string {
  return fingerprint.slice(0, 19);
}
