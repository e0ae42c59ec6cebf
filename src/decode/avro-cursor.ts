import { int64ToNumber } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";

/** Charged for an item, and for one that takes no bytes at all: a few of a message's could promise any number of them. */
const [itemBytes, emptyItemBytes] = [8, 64];

/** Reads Avro's binary encoding from front to back; nothing is read past the end, and every step of a loop is charged. */
export class AvroCursor {
  readonly bytes: Uint8Array;
  at = 0;
  /** Words of the last `long`. */
  low = 0;
  high = 0;
  readonly #view: DataView;
  #budget: number;

  /** @param budget  bytes that what is read may take */
  constructor(bytes: Uint8Array, budget: number) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#budget = budget;
  }

  /** @throws DecodeError limit */
  claim(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) throw new DecodeError("limit", "an Avro message that decodes to more than allowed");
  }

  /** Moves over `length` bytes and says where they began. @throws DecodeError truncated */
  take(length: number): number {
    const from = this.at;
    if (length > this.bytes.length - from) {
      const there = this.bytes.length - from;
      throw new DecodeError(
        "truncated",
        `an Avro value of ${length} bytes at byte ${from}, ${there} are there`,
      );
    }
    this.at = from + length;
    return from;
  }

  /** A zigzag varint of up to 64 bits into `low` and `high`. */
  long(): void {
    let [low, high] = [0, 0];
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.take(1)] as number;
      const bits = byte & 0x7f;
      // The tenth byte holds one bit.
      if (shift === 63 && byte > 1)
        throw new DecodeError("malformed", `an Avro number beyond 64 bits at byte ${this.at}`);
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    const sign = -(low & 1);
    this.low = ((low >>> 1) | (high << 31)) ^ sign;
    this.high = (high >>> 1) ^ sign;
  }

  longAsNumber(): number {
    this.long();
    return int64ToNumber(this.low, this.high, true);
  }

  int(): number {
    this.long();
    if (this.high !== this.low >> 31)
      throw new DecodeError("malformed", `an Avro int beyond 32 bits before byte ${this.at}`);
    return this.low;
  }

  /** Of bytes or text that follow; its own bytes are still to be taken. */
  length(): number {
    const length = this.longAsNumber();
    if (length < 0) throw new DecodeError("malformed", `an Avro length of ${length} before byte ${this.at}`);
    return length;
  }

  float(): number {
    return this.#view.getFloat32(this.take(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.take(8), true);
  }

  boolean(): boolean {
    const byte = this.bytes[this.take(1)] as number;
    if (byte > 1) throw new DecodeError("malformed", `an Avro boolean of ${byte} before byte ${this.at}`);
    return byte === 1;
  }

  /** An index below `count`. */
  index(count: number, what: string): number {
    const index = this.longAsNumber();
    if (!(index >= 0 && index < count))
      throw new DecodeError("malformed", `Avro ${what} ${index} of ${count} before byte ${this.at}`);
    return index;
  }

  /**
   * The blocks of an array or map: calls `item` for each of its items.
   * @see https://avro.apache.org/docs/1.12.0/specification/#arrays-1
   */
  blocks(item: () => void): void {
    for (;;) {
      let count = this.longAsNumber();
      if (count === 0) return;
      if (count < 0) {
        count = -count;
        const size = this.length();
        if (size > this.bytes.length - this.at)
          throw new DecodeError("truncated", `an Avro block of ${size} bytes at byte ${this.at}`);
      }
      for (; count > 0; count--) {
        this.claim(itemBytes);
        const { at } = this;
        item();
        if (this.at === at) this.claim(emptyItemBytes);
      }
    }
  }
}
