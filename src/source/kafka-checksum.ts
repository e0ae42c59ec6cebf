/** Castagnoli's, with its bits reversed. */
const polynomial = 0x82f6_3b78;
/** Eight tables of 256: the k-th has what a byte is worth k bytes before the end. */
const tables = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : polynomial);
  tables[byte] = crc;
}
for (let at = 256; at < tables.length; at++) {
  const before = tables[at - 256] as number;
  tables[at] = (before >>> 8) ^ (tables[before & 0xff] as number);
}

/**
 * CRC-32C of a record batch, eight bytes at a time: kafkajs's own, a byte at a time, takes as long as a third of a profile's encoding.
 * @see Kounavis & Berry, "Novel table lookup-based algorithms for high-performance CRC generation" (2008)
 */
export function crc32c(bytes: Uint8Array): number {
  const byteAt = (at: number): number => bytes[at] as number;
  const lookUp = (table: number, byte: number): number => tables[256 * table + byte] as number;
  let [crc, at] = [-1, 0];
  for (; at + 8 <= bytes.length; at += 8) {
    crc ^= byteAt(at) | (byteAt(at + 1) << 8) | (byteAt(at + 2) << 16) | (byteAt(at + 3) << 24);
    crc =
      lookUp(7, crc & 0xff) ^
      lookUp(6, (crc >>> 8) & 0xff) ^
      lookUp(5, (crc >>> 16) & 0xff) ^
      lookUp(4, crc >>> 24) ^
      lookUp(3, byteAt(at + 4)) ^
      lookUp(2, byteAt(at + 5)) ^
      lookUp(1, byteAt(at + 6)) ^
      lookUp(0, byteAt(at + 7));
  }
  for (; at < bytes.length; at++) crc = lookUp(0, (crc ^ byteAt(at)) & 0xff) ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
