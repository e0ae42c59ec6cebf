/**
 * Whether bytes[0, end) hold a text of ASCII. `Buffer.includes` finds the encoding anew each time, which costs more than a short
 * message.
 */
export function holdsText(bytes: Uint8Array, end: number, text: Uint8Array): boolean {
  const first = text[0];
  const last = Math.min(end, bytes.length) - text.length;
  for (let at = 0; at <= last; at++) {
    if (bytes[at] !== first) continue;
    let same = 1;
    while (same < text.length && bytes[at + same] === text[same]) same++;
    if (same === text.length) return true;
  }
  return false;
}
