import type { Json, Reader } from "./json.ts";
import type { Season } from "./season.ts";
import type { Track } from "./track.ts";
import type { Trend } from "./trend.ts";

/** A track as the baseline's file has it: keys in a fixed order, season and trend only where there is one. */
export function trackToJson({ memory, heavy, tail, season, trend, counts, ...track }: Track): Json {
  return {
    windows: track.windows,
    mean: track.mean,
    error: track.error,
    sd: track.sd,
    innovation: track.innovation,
    ...(memory.length === 0 ? {} : { memory }),
    ...(heavy ? { heavy } : {}),
    ...(tail === undefined ? {} : { tail }),
    ...(counts === undefined ? {} : { counts: { ...counts } }),
    ...(season === undefined ? {} : { season: { ...season } }),
    ...(track.reach === undefined ? {} : { reach: track.reach }),
    ...(trend === undefined ? {} : { trend: { ...trend } }),
  };
}

export function readTrack(reader: Reader): Track {
  const [tail, season, reach, trend, counts] = [
    reader.optional("tail"),
    reader.optional("season"),
    reader.optional("reach"),
    reader.optional("trend"),
    reader.optional("counts"),
  ];
  return {
    windows: reader.get("windows").number(0),
    mean: reader.get("mean").number(),
    error: reader.get("error").number(0),
    sd: reader.get("sd").number(0),
    innovation: reader.get("innovation").number(0),
    memory: reader.optional("memory")?.numbers() ?? [],
    heavy: reader.optional("heavy") !== undefined,
    ...(tail === undefined ? {} : { tail: tail.numbers() }),
    ...(season === undefined ? {} : { season: readSeason(season) }),
    ...(reach === undefined ? {} : { reach: reach.number(0) }),
    ...(trend === undefined ? {} : { trend: readTrend(trend) }),
    ...(counts === undefined
      ? {}
      : {
          counts: {
            hits: counts.get("hits").number(0),
            rows: counts.get("rows").number(0),
            dispersion: counts.get("dispersion").number(1),
          },
        }),
  };
}

function readSeason(reader: Reader): Season {
  const kind = reader.get("kind").oneOf(["profile", "harmonics"]);
  const cycle = reader.get("cycle").oneOf(["day", "week"]);
  if (kind === "profile") {
    const values = reader.get("values").numbers();
    return values.length > 0 ? { kind, cycle, values } : reader.get("values").fail("one number or more");
  }
  const waves = reader
    .get("waves")
    .items()
    .map((wave) => {
      const [frequency, cosine, sine] = wave.numbers();
      if (frequency === undefined || cosine === undefined || sine === undefined)
        return wave.fail("cycles a week, cosine, sine");
      return [frequency, cosine, sine] as const;
    });
  return { kind, cycle, waves };
}

function readTrend(reader: Reader): Trend {
  const [level, cross, slope] = reader.get("covariance").numbers();
  if (level === undefined || cross === undefined || slope === undefined)
    return reader.get("covariance").fail("three numbers");
  return {
    level: reader.get("level").number(),
    slope: reader.get("slope").number(),
    covariance: [level, cross, slope],
    window: reader.get("window").number(),
    levelNoise: reader.get("levelNoise").number(0),
    slopeNoise: reader.get("slopeNoise").number(0),
  };
}
