import { cargoLock, cargoToml, rustToolchain } from "./cargo.ts";
import { compose } from "./compose.ts";
import { conda } from "./conda.ts";
import { dockerfile } from "./dockerfile.ts";
import type { Auditor } from "./finding.ts";
import { goMod } from "./go-mod.ts";
import { nodeLocks } from "./node-locks.ts";
import { packageJson } from "./package-json.ts";
import { pyproject } from "./pyproject.ts";
import { pythonLocks } from "./python-locks.ts";
import { requirementsTxt } from "./requirements-txt.ts";
import { workflow } from "./workflow.ts";

/** Every kind of file that is looked at. */
export const auditors: readonly Auditor[] = [
  requirementsTxt,
  pyproject,
  pythonLocks,
  conda,
  packageJson,
  nodeLocks,
  dockerfile,
  compose,
  workflow,
  goMod,
  cargoToml,
  cargoLock,
  rustToolchain,
];
