import { connect, isIP, type OnReadOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { ISocketFactory } from "kafkajs";

/** Answers of so many bytes and more are read into a buffer of their own, straight from the socket. */
const largeMin = 32 * 1024;
/** Larger ones are handed on in the pieces that come: who answers nonsense is not believed a length of a gigabyte. */
const answerMax = 64 * 1024 * 1024;
/** The length that stands before each answer. */
const prefixBytes = 4;
const scratchBytes = 64 * 1024;
const keepAliveAfterMs = 60_000;

/** Gives memory for an answer: at least `size` bytes, with anything in them. */
export type TakeBuffer = (size: number) => ArrayBufferLike;

/**
 * Sockets for kafkajs that hand it whole answers. Its own come in pieces of 64 kB in memory of their own, which it puts together in
 * other memory: for every 64 MB of that the engine marks the heap. Here a large answer goes from the socket to where it stays.
 */
export function createSocketFactory(take: TakeBuffer): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    const answers = createAnswers(take, (bytes) => socket.emit("data", bytes));
    const onread: OnReadOpts = {
      buffer: () => answers.room(),
      callback: (size) => {
        answers.filled(size);
        return true;
      },
    };
    const to = { host, port, onread };
    const named = isIP(host) === 0 ? { servername: host } : {};
    const secure: ConnectionOptions = { ...to, ...named, ...ssl };
    const socket: Socket = ssl ? connectTls(secure, onConnect) : connect(to, onConnect);
    return socket.setKeepAlive(true, keepAliveAfterMs);
  };
}

export interface Answers {
  /** Where the next bytes belong. */
  room(): Uint8Array;
  /** So many bytes were written there. */
  filled(size: number): void;
}

/**
 * Cuts a stream of answers, each behind its length.
 * @param emit  is given each with its length, whole; in pieces one of more than `wholeMax` bytes, and all behind a length below 0
 */
export function createAnswers(
  take: TakeBuffer,
  emit: (bytes: Buffer) => void,
  wholeMax: number = answerMax,
): Answers {
  const scratch = Buffer.allocUnsafeSlow(scratchBytes);
  /** Bytes at the front of `scratch` that have not been handed on. */
  let waiting = 0;
  /** The large answer that is coming, and how much of it is there. */
  let large: Buffer | undefined;
  let have = 0;
  /** Bytes of an answer over `wholeMax` that have not come yet. */
  let passing = 0;

  const cut = (): void => {
    let at = 0;
    while (at < waiting) {
      const left = waiting - at;
      if (passing > 0) {
        const size = Math.min(passing, left);
        passing -= size;
        emit(Buffer.from(scratch.subarray(at, at + size)));
        at += size;
        continue;
      }
      if (left < prefixBytes) break;
      const length = scratch.readInt32BE(at);
      const size = prefixBytes + length;
      if (length < 0 || size > wholeMax) passing = length < 0 ? Number.POSITIVE_INFINITY : size;
      else if (left >= size) {
        emit(Buffer.from(scratch.subarray(at, at + size)));
        at += size;
      } else if (size >= largeMin) {
        large = Buffer.from(take(size), 0, size);
        have = scratch.copy(large, 0, at, waiting);
        at = waiting;
      } else break;
    }
    scratch.copyWithin(0, at, waiting);
    waiting -= at;
  };

  return {
    room: () => large?.subarray(have) ?? scratch.subarray(waiting),
    filled(size) {
      if (large === undefined) {
        waiting += size;
        return cut();
      }
      have += size;
      if (have < large.length) return;
      const whole = large;
      large = undefined;
      emit(whole);
    },
  };
}
