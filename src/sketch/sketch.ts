/**
 * What every mergeable summary owes: `merge` is associative and commutative up to `agrees`, `create()` is its identity,
 * a stream read in shards agrees with the stream read whole, and `decode(encode(a))` agrees with `a`.
 * `test/laws/sketch.test.ts` holds each entry of `table.ts` to it.
 */
export interface Sketch<State, Item> {
  create(): State;
  add(into: State, item: Item): void;
  /** Neither argument is changed. */
  merge(a: State, b: State): State;
  agrees(a: State, b: State): boolean;
  encode(state: State): Uint8Array;
  /** @throws Fault `sketch.corrupt` */
  decode(bytes: Uint8Array): State;
}
