import type { Message } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import type { Intake } from "./board.ts";
import type { Cell } from "./cell.ts";
import type { Lane } from "./lane.ts";

export interface IntakeParts {
  readonly clock: Clock;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** The lane of what is posted to the gate of a view. @throws Fault `spec.missing` */
  readonly laneOf: (view: string) => Promise<{ readonly cell: Cell; readonly lane: Lane }>;
  readonly receive: (cell: Cell, lane: Lane, message: Message) => Promise<void>;
}

/** Each row that is posted is read once: what is let through like a stream's, what is refused as rejected. */
export function createIntake({ clock, inTurn, laneOf, receive }: IntakeParts): Intake {
  return {
    refuse: (view, rows) =>
      inTurn(async () => {
        const { counts } = (await laneOf(view)).lane;
        counts.read += rows;
        counts.rejected += rows;
      }),
    offer: (view, batch) =>
      inTurn(async () => {
        const { cell, lane } = await laneOf(view);
        cell.lastActive.set(lane.key, clock.elapsed());
        await receive(cell, lane, {
          offset: lane.nextOffset,
          timestamp: clock.now(),
          headers: new Map(),
          body: { kind: "batch", batch },
        });
      }),
  };
}
