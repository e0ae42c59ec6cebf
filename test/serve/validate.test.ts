import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecordBatchStreamWriter, tableFromArrays } from "apache-arrow";
import { cellOf } from "../../src/model/batch.ts";
import { Fault } from "../../src/model/fault.ts";
import { noon } from "../pipeline/outcomes.ts";
import { type Answer, ask, fakeBoard, recoUser, type Serving, serve, statusOf } from "./support.ts";

const good = { user_location: "US", session_seconds: 12.5, user_embedding: [0.1, 0.2], event_time: noon };
const serving = (t: Parameters<typeof serve>[0], change?: Parameters<typeof serve>[2]): Promise<Serving> =>
  serve(t, fakeBoard([statusOf(recoUser)]), change);

function post(url: URL, body: string | Uint8Array<ArrayBuffer>, type = "application/json"): Promise<Answer> {
  return ask(url, "/v1/validate/reco_user", { method: "POST", body, headers: { "content-type": type } });
}

/** @returns what this process, server included, has worked since: the clock would count others' work */
function startCpu(): () => number {
  const since = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1_000;
  };
}

const pointersOf = ({ body }: Answer): string[] =>
  body.errors.map(({ pointer, code }: { pointer: string; code: string }) => `${pointer} ${code}`);

describe("validation at the gate", () => {
  it("takes a row that keeps the spec, and hands it to the loop", async (t) => {
    const { url, offered } = await serving(t);
    const answer = await post(url, JSON.stringify(good));
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { featureView: "reco_user", rows: 1, mode: "enforce", rejectedRows: 0 });
    assert.equal(answer.headers.get("x-model-git-sha"), "3f2a9c1");
    assert.equal(offered.length, 1);
    const [name, batch] = offered[0] ?? [];
    assert.equal(name, "reco_user");
    const column = batch?.columns.get("user_location");
    assert.equal(column === undefined ? undefined : cellOf(column, 0), "US");
  });

  it("answers 400 at once to United States where US is expected, and profiles nothing", async (t) => {
    const { url, offered, refused } = await serving(t);
    const answer = await post(url, JSON.stringify({ ...good, user_location: "United States" }));
    assert.equal(answer.status, 400);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
    assert.equal(answer.body.status, 400);
    assert.deepEqual(pointersOf(answer).sort(), ["/user_location default", "/user_location pattern"]);
    assert.match(answer.body.errors[0].detail, /United States/);
    assert.match(answer.body.errors[0].value, /United States/);
    assert.equal(answer.headers.get("x-model-git-sha"), "3f2a9c1", "which model it was kept from");
    assert.deepEqual(offered, []);
    assert.deepEqual(refused, [["reco_user", 1]], "but it is counted");
  });

  it("points into an array and into lines by row", async (t) => {
    const { url } = await serving(t);
    const rows = [good, good, { ...good, session_seconds: -1 }].map((row) => JSON.stringify(row));
    assert.deepEqual(pointersOf(await post(url, `[${rows.join(",")}]`)), ["/2/session_seconds range"]);
    const lines = await post(url, rows.join("\n"), "application/x-ndjson");
    assert.deepEqual(pointersOf(lines), ["/2/session_seconds range"]);
    assert.deepEqual(pointersOf(await post(url, `[${rows[2]}]`)), ["/0/session_seconds range"]);
  });

  it("reads Arrow streams, also without being told that they are", async (t) => {
    const { url, offered } = await serving(t);
    const stream = (location: string): Uint8Array<ArrayBuffer> => {
      const table = tableFromArrays({ user_location: [location], session_seconds: Float64Array.of(1) });
      const writer = RecordBatchStreamWriter.writeAll(table);
      return Uint8Array.from(writer.toUint8Array(true));
    };
    const answer = await post(url, stream("Canada"), "application/vnd.apache.arrow.stream");
    assert.equal(answer.status, 400);
    assert.ok(pointersOf(answer).includes("/0/user_location default"), pointersOf(answer).join());
    const view = { ...recoUser, name: "small", fields: recoUser.fields.slice(0, 2) };
    const second = await serve(t, fakeBoard([statusOf(view)]));
    for (const type of ["application/vnd.apache.arrow.stream", "application/octet-stream"]) {
      const init = { method: "POST", body: stream("DE"), headers: { "content-type": type } };
      assert.equal((await ask(second.url, "/v1/validate/small", init)).status, 200, type);
    }
    assert.equal(offered.length, 0);
    assert.equal(second.offered.length, 2);
  });

  it("gives rows without an event time the time of their arrival", async (t) => {
    const { url, offered } = await serving(t);
    const { event_time: _when, ...untimed } = good;
    assert.equal((await post(url, JSON.stringify([untimed, untimed]))).status, 200);
    const column = offered[0]?.[1].columns.get("event_time");
    assert(column !== undefined);
    assert.deepEqual([cellOf(column, 0), cellOf(column, 1)], [noon, noon]);
  });

  it("names at most 100 errors and counts all rows", async (t) => {
    const { url } = await serving(t);
    const { body } = await post(url, JSON.stringify(Array(500).fill({ ...good, session_seconds: -1 })));
    assert.equal(body.errors.length, 100);
    assert.equal(body.rejectedRows, 500);
    assert.equal(body.rows, 500);
  });

  it("names every failing field, with what is expected and what to do", async (t) => {
    const { url } = await serving(t);
    const { body } = await post(
      url,
      JSON.stringify({
        user_location: null,
        session_seconds: "NaN",
        user_embedding: [1, 2, 3],
        event_time: noon,
      }),
    );
    assert.equal(body.errorCount, 4);
    assert.deepEqual(
      body.errors.map(({ pointer, code, expected }: Record<string, string>) => [pointer, code, expected]),
      [
        ["/user_location", "null", "a string"],
        ["/session_seconds", "nonfinite", "a finite number"],
        ["/session_seconds", "range", "0 to 86400"],
        ["/user_embedding", "dimensions", "2 elements"],
      ],
    );
    for (const { hint, detail } of body.errors) {
      assert.ok(hint.length > 10, hint);
      assert.ok(detail.length > 10, detail);
    }
  });

  it("shows no value of a field that the spec redacts", async (t) => {
    const fields = recoUser.fields.map((field) => ({ ...field, redact: field.name === "user_location" }));
    const { url } = await serve(t, fakeBoard([statusOf({ ...recoUser, fields })]));
    const answer = await post(
      url,
      JSON.stringify({ ...good, user_location: "17 Elm Street", session_seconds: -7 }),
    );
    assert.equal(answer.status, 400);
    assert.doesNotMatch(answer.text, /Elm/);
    assert.match(answer.text, /-7/, "other fields' values are shown");
    assert.deepEqual(pointersOf(answer).sort(), [
      "/session_seconds range",
      "/user_location default",
      "/user_location pattern",
    ]);
    const typed = await post(url, JSON.stringify({ ...good, user_location: { street: "Elm" } }));
    assert.equal(typed.status, 400);
    assert.doesNotMatch(typed.text, /Elm/);
  });

  it("lets everything through in shadow mode, and says and counts what it would have refused", async (t) => {
    const view = { ...recoUser, validate: { mode: "shadow" } as const };
    const { url, offered } = await serve(t, fakeBoard([statusOf(view)]));
    const answer = await post(url, JSON.stringify([good, { ...good, user_location: "United States" }]));
    assert.equal(answer.status, 200);
    const { errors, ...rest } = answer.body;
    assert.deepEqual(rest, {
      featureView: "reco_user",
      rows: 2,
      mode: "shadow",
      rejectedRows: 1,
      errorCount: 2,
    });
    assert.equal(errors[0].pointer, "/1/user_location");
    assert.equal(offered[0]?.[1].rows, 2, "what the model will see is what is profiled");
    const { text } = await ask(url, "/metrics");
    assert.match(text, /tidemark_gate_rows_total\{feature_view="reco_user",outcome="shadowed"\} 1/);
    assert.match(text, /tidemark_gate_rows_total\{feature_view="reco_user",outcome="accepted"\} 1/);
    assert.match(
      text,
      /tidemark_gate_errors_total\{feature_view="reco_user",field="user_location",code="default"\} 1/,
    );
  });

  it("echoes the request's id with either answer", async (t) => {
    const { url } = await serving(t);
    for (const [row, status] of [
      [good, 200],
      [{}, 400],
    ] as const) {
      const answer = await ask(url, "/v1/validate/reco_user", {
        method: "POST",
        body: JSON.stringify(row),
        headers: { "x-request-id": "882-af" },
      });
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get("x-request-id"), "882-af");
    }
  });

  it("answers soon when every row of a large body is of a wrong type", async (t) => {
    const { url } = await serving(t);
    const cpuMs = startCpu();
    const rows = `[${Array(200_000).fill('{"session_seconds":"x"}').join()}]`;
    const { status, body } = await post(url, rows);
    assert.equal(status, 400);
    assert.equal(body.rejectedRows, 200_000);
    assert.ok(cpuMs() < 20_000, "quadratic work would take minutes");
  });

  it("escapes pointers as RFC 6901 asks", async (t) => {
    const [field] = recoUser.fields;
    assert(field !== undefined);
    const view = { ...recoUser, fields: [{ ...field, name: "a/b~c" }] };
    const { url } = await serve(t, fakeBoard([statusOf(view)]));
    const answer = await post(url, JSON.stringify({ "a/b~c": "Canada" }));
    assert.ok(pointersOf(answer).includes("/a~1b~0c default"), pointersOf(answer).join());
  });

  it("treats keys such as __proto__ as data", async (t) => {
    const { url } = await serving(t);
    const text = JSON.stringify(good).replace(
      "{",
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{}},',
    );
    assert.equal((await post(url, text)).status, 200);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });

  it("says what is wrong with bytes that cannot be read", async (t) => {
    const { url, offered } = await serving(t);
    for (const [body, detail] of [
      ["", /empty/],
      ['{"user_location": "US"', /JSON/],
      ["[1, 2]", /JSON object/],
      ["null", /JSON object/],
    ] as const) {
      const answer = await post(url, body);
      assert.equal(answer.status, 400, body.slice(0, 30));
      assert.match(answer.body.detail, detail);
      assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
      assert.equal(answer.body.errors.length, 1);
    }
    assert.equal((await post(url, "[".repeat(100_000))).status, 413, "nested too deep");
    const torn = await post(
      url,
      Uint8Array.of(255, 255, 255, 255, 16, 0),
      "application/vnd.apache.arrow.stream",
    );
    assert.equal(torn.status, 400);
    assert.equal(torn.body.errors[0].code, "decode.truncated");
    assert.deepEqual(offered, []);
  });

  it("is not slow on bodies that are almost JSON lines", async (t) => {
    const { url } = await serving(t);
    const cpuMs = startCpu();
    assert.equal((await post(url, `{}${"\n".repeat(2_000_000)}x`)).status, 400);
    assert.ok(cpuMs() < 20_000, "going back at each line would take hours");
  });

  it("refuses bodies and batches beyond the limits with 413", async (t) => {
    const { url } = await serving(t, { bounds: { httpBodyBytes: 1_000, rowsPerBatch: 3 } });
    assert.equal((await post(url, JSON.stringify({ ...good, pad: "x".repeat(1_000) }))).status, 413);
    const answer = await post(url, JSON.stringify([good, good, good, good]));
    assert.equal(answer.status, 413);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  });

  it("lets no other site post rows through its visitors' browsers", async (t) => {
    const { url, offered } = await serving(t);
    const postFrom = (origin: string): Promise<Answer> =>
      ask(url, "/v1/validate/reco_user", { method: "POST", body: JSON.stringify(good), headers: { origin } });
    assert.equal((await postFrom("https://evil.example")).status, 403);
    assert.equal((await postFrom("null")).status, 403);
    assert.deepEqual(offered, []);
    assert.equal((await postFrom(url.origin)).status, 200);
  });

  it("answers 503 when the loop cannot take rows now, and keeps what it knows to itself when it breaks", async (t) => {
    const failing = (error: Error): Promise<Serving> =>
      serving(t, {
        intake: {
          offer: async () => {
            throw error;
          },
          refuse: async () => undefined,
        },
      });
    const busy = await failing(new Fault("store.full", "no space left", { retryable: true }));
    assert.equal((await post(busy.url, JSON.stringify(good))).status, 503);
    const broken = await failing(new TypeError("secret path"));
    const answer = await post(broken.url, JSON.stringify(good));
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /secret/);
    assert.equal(broken.warned.length, 1);
  });
});
