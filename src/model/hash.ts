/**
 * A 64-bit hash as two 32-bit words, for sketches and lookups; not for secrets. Four half-rounds of a Feistel network over
 * multiplications: a bijection of 8 bytes, so that values of the same length up to 8 bytes never collide.
 */
export interface Hash {
  low: number;
  high: number;
}

const [k1, k2, k3, k4] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f];

/** Hashes `bytes[from, to)` of `view` into `into`. */
export function hashBytes(into: Hash, view: DataView, from: number, to: number): void {
  let a = Math.imul(to - from, k3) ^ k1;
  let b = k2;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    a ^= view.getInt32(at, true);
    b ^= view.getInt32(at + 4, true);
    a ^= Math.imul(b ^ (b >>> 16), k1);
    b ^= Math.imul(a ^ (a >>> 15), k2);
  }
  const rest = to - at;
  if (rest > 0) {
    let low = 0;
    let high = 0;
    if (at + 8 <= view.byteLength) {
      low = view.getInt32(at, true);
      if (rest < 4) low &= (1 << (rest * 8)) - 1;
      else high = view.getInt32(at + 4, true) & ((1 << ((rest - 4) * 8)) - 1);
    } else {
      for (let i = 0; i < rest; i++) {
        if (i < 4) low |= view.getUint8(at + i) << (i * 8);
        else high |= view.getUint8(at + i) << ((i - 4) * 8);
      }
    }
    a ^= low;
    b ^= high;
  }
  a ^= Math.imul(b ^ (b >>> 16), k1);
  b ^= Math.imul(a ^ (a >>> 15), k2);
  a ^= Math.imul(b ^ (b >>> 13), k3);
  b ^= Math.imul(a ^ (a >>> 16), k4);
  into.low = a;
  into.high = b;
}

const textEncoder = new TextEncoder();

/** The UTF-8 bytes of a text and their hash. For cold paths. */
export function hashText(text: string): Hash & { readonly bytes: Uint8Array } {
  const bytes = textEncoder.encode(text);
  const hash = { low: 0, high: 0, bytes };
  hashBytes(hash, viewOf(bytes), 0, bytes.length);
  return hash;
}

/** A DataView over the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
