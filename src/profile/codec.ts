import { Fault } from "../model/fault.ts";
import type { FieldProfile, WindowProfile } from "./profile.ts";

export function encodeProfile(_profile: WindowProfile): Uint8Array {
  return new Uint8Array();
}

/** @throws Fault `sketch.corrupt` */
export function decodeProfile(bytes: Uint8Array): WindowProfile {
  throw new Fault("sketch.corrupt", `profile: ${bytes.length} bytes`);
}

export function encodeFieldProfile(_field: FieldProfile): Uint8Array {
  return new Uint8Array();
}

/** @throws Fault `sketch.corrupt` */
export function decodeFieldProfile(bytes: Uint8Array): FieldProfile {
  throw new Fault("sketch.corrupt", `field profile: ${bytes.length} bytes`);
}
