/** Where the buckets are finest (`centre`) and how wide one unit is (`scale` > 0): the baseline's median and IQR. */
export interface Frame {
  readonly centre: number;
  readonly scale: number;
}

/** The frame of a field without a baseline. */
export const unitFrame: Frame = { centre: 0, scale: 1 };
