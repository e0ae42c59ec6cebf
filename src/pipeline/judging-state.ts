import type { TrendState } from "../judge/forecast.ts";
import type { EventTime } from "../model/time.ts";
import type { WindowStatus } from "./board.ts";
import type { EarlyState } from "./early-looks.ts";
import type { GatheredState } from "./judged-windows.ts";
import type { SilenceState } from "./silence.ts";
import type { UnheardAlert } from "./unheard.ts";

/** What survives a restart. `profiles` are encoded pending windows with the partition that each came from. */
export interface JudgingState extends Partial<SilenceState> {
  readonly judgedThrough: EventTime | null;
  readonly breakers: string;
  readonly alerts: string;
  /** Of the warning layer; absent in what an older tidemark saved. */
  readonly drift?: Uint8Array | undefined;
  /** Where the fields with `trend` were heading; absent likewise. */
  readonly trends?: TrendState | undefined;
  readonly profiles: readonly { readonly partition: string; readonly bytes: Uint8Array }[];
  /** Windows among `profiles` that have been judged, or are partial. */
  readonly gathered: readonly GatheredState[];
  /** Windows of the spec before whose parts are among `profiles`; absent in what an older tidemark saved. */
  readonly retired?: readonly GatheredState[] | undefined;
  readonly windows: readonly WindowStatus[];
  /** Changes of alerts that nobody has taken yet; absent likewise. */
  readonly unheard?: readonly UnheardAlert[] | undefined;
  /** Looks taken at open windows; absent likewise. */
  readonly early?: EarlyState | undefined;
}
