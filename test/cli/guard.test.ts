import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { groupMembers, joinGroup, processTree } from "../../src/cli/process-tree.ts";
import { temporaryFolder } from "../services/process.ts";
import { type NotifiedAlert, startAlertmanager } from "../services/services.ts";
import { eventually } from "../services/wait.ts";
import { type Ended, root, tidemark } from "./command.ts";

/** Takes 5 MB every 20 ms. */
const eats = "const eaten = []; setInterval(() => eaten.push(Buffer.alloc(5e6, 1)), 20);";
/** Has some megabytes, and `sip` takes one more: so little that it hears a signal before it has grown by a tenth of its limit. */
const has = (megabytes: number): string =>
  `const eaten = [Buffer.alloc(${megabytes}e6, 1)]; const sip = () => eaten.push(Buffer.alloc(1e6, 1));`;
const guard = (...args: string[]): Promise<Ended> => tidemark(["guard", "--interval", "25ms", ...args]);
const node = (script: string): string[] => ["--", process.execPath, "-e", script];

describe("tidemark guard", () => {
  it("passes on what the command prints and how it ends", async () => {
    const fine = await guard("--limit", "1GiB", ...node("console.log(process.argv[2])"), "x", "--limit");
    assert.equal(fine.stdout, "--limit\n", "what follows -- is the command's");
    assert.equal(fine.code, 0, fine.stderr);
    assert.equal((await guard("--limit", "1GiB", ...node("process.exit(7)"))).code, 7);
    const killed = await guard("--limit", "1GiB", ...node('process.kill(process.pid, "SIGKILL")'));
    assert.equal(killed.code, 137);
    assert.match(killed.stderr, /ended by itself: SIGKILL/);
  });

  it("announces a leak, ends it at the limit with time to tidy up, exits 70 and tells Alertmanager", async (t) => {
    const { url } = await startAlertmanager(t);
    // without its share of node's own pages it is above 140 MiB, and with all of them below 200; it goes on once the warning
    // has been heard, however late the guard looks
    const heard = `fetch(process.argv[1] + "api/v2/alerts").then((answer) => answer.json())`;
    const script = `process.on("SIGTERM", () => { console.log("tidied"); process.exit(3); }); ${has(140)}
      const asking = setInterval(() => ${heard}.then(({ length }) => {
        if (length === 0) return;
        clearInterval(asking);
        setInterval(sip, 20);
      }), 200);`;
    const { code, stdout, stderr } = await guard(
      ...["--limit", "200MiB", "--warn-at", "0.7", "--name", "reco-engine", "--alertmanager", url.href],
      ...node(script),
      url.href,
    );
    assert.equal(code, 70, stderr);
    assert.equal(stdout, "tidied\n");
    assert.match(
      stderr,
      /reco-engine: 1[4-9]\d MiB of 200 MiB \(\d\d%\).*\n.*2\d\d MiB of 200 MiB: SIGTERM, and SIGKILL in 10s\n.*ended by the guard \(exit code 3\)/,
    );
    const alerts = (await (await fetch(new URL("api/v2/alerts", url))).json()) as NotifiedAlert[];
    assert.deepEqual(
      alerts.map(({ labels }) => [labels["alertname"], labels["command"], labels["severity"]]),
      [["TidemarkMemoryTrend", "reco-engine", "critical"]],
      "the warning is over, the end stands",
    );
    assert.match(
      alerts[0]?.annotations["summary"] ?? "",
      /memory of reco-engine on .*: 2\d\d MiB of 200 MiB/,
    );
  });

  it("kills what ignores SIGTERM when the grace is over, and children whose parent has ended already", async () => {
    const deaf = `${has(90)} const sips = setInterval(sip, 20); setInterval(() => {}, 1e3);
      process.on("SIGTERM", () => clearInterval(sips));`;
    const { code, stdout, stderr } = await guard(
      ...["--limit", "180MiB", "--grace", "300ms", "--", "sh", "-c"],
      `"$0" -e "$1" & echo $!; wait`,
      process.execPath,
      deaf,
    );
    assert.equal(code, 70, stderr);
    assert.match(stderr, /SIGKILL in 300ms\n.*still running after 300ms, .*: SIGKILL\n/);
    assert.deepEqual(processTree(Number(stdout)).pids(), [], "a zombie at most");
  });

  it("kills within the grace what goes on growing", async () => {
    const script = `process.on("SIGTERM", () => {}); ${eats}`;
    const { code, stderr } = await guard("--limit", "150MiB", "--grace", "1m", ...node(script));
    assert.equal(code, 70, stderr);
    assert.match(stderr, /still growing after SIGTERM, .*: SIGKILL\n.*ended by the guard \(SIGKILL\)/);
  });

  it("passes a signal on, and the command's answer back", async (t) => {
    const script =
      'process.on("SIGINT", () => process.exit(9)); setInterval(() => {}, 1e3); console.log("up");';
    const child = spawn(`${root}bin/tidemark`, ["guard", "--limit", "1GiB", ...node(script)]);
    t.after(() => void child.kill("SIGKILL"));
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    const ended = new Promise((done) => child.once("exit", done));
    await eventually(() => said.includes("up"));
    child.kill("SIGINT");
    assert.equal(await ended, 9);
  });

  it("runs on when Alertmanager is away, and says so", async () => {
    const { code, stderr } = await guard(
      ...["--limit", "150MiB", "--alertmanager", "http://user:hush@127.0.0.1:9"],
      ...node(eats),
    );
    assert.equal(code, 70);
    assert.match(stderr, /no alert: 127\.0\.0\.1:9: /);
    assert.doesNotMatch(stderr, /hush/);
  });

  it("exits 2 for what was asked for wrongly and 4 for a command that does not start", async () => {
    for (const [wrong, message] of [
      [["--limit", "lots", "--", "true"], /--limit lots: no size/],
      [["--limit", "1GiB", "--warn-at", "2", "--", "true"], /--warn-at 2: no share/],
      [["--limit", "1GiB", "--grace", "soon", "--", "true"], /--grace soon: no duration/],
      [["--limit", "1GiB", "--alertmanager", "9093", "--", "true"], /--alertmanager: no http address/],
      [["--limit", "1GiB"], /missing required argument 'command'/],
      [["--", "true"], /required option '--limit <size>'/],
    ] as const) {
      const { code, stderr } = await tidemark(["guard", ...wrong]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
    for (const [command, message] of [
      ["no-such-command", /no-such-command: no such command \[input\.missing\]/],
      [root, /does not start: EACCES \[source\.failed\]/],
    ] as const) {
      const { code, stderr } = await tidemark(["guard", "--limit", "1GiB", "--", command]);
      assert.equal(code, 4, stderr);
      assert.match(stderr, message);
    }
  });
});

describe("joinGroup", () => {
  const joined = (path: string) =>
    spawnSync("/bin/sh", [
      "-c",
      joinGroup,
      path,
      process.execPath,
      "-p",
      "process.pid + process.argv[1]",
      " a b",
    ]);

  it("puts the very process that becomes the command into the group, with its arguments as they are", (t) => {
    const path = temporaryFolder(t, "cgroup");
    const { stdout, status } = joined(path);
    assert.equal(status, 0);
    const pid = readFileSync(join(path, "cgroup.procs"), "utf8").trim();
    assert.equal(stdout.toString(), `${pid} a b\n`);
  });

  it("does not run the command outside of the group", () => {
    const { stdout, status } = joined("/no/such/group");
    assert.notEqual(status, 0);
    assert.equal(stdout.toString(), "");
  });
});

describe("groupMembers", () => {
  it("reads a cgroup's processes, and its memory without idle page cache", (t) => {
    const path = temporaryFolder(t, "cgroup");
    writeFileSync(join(path, "cgroup.procs"), "12\n345\n");
    writeFileSync(join(path, "memory.current"), "5000\n");
    writeFileSync(join(path, "memory.stat"), "anon 3000\nfile 1900\ninactive_file 1200\nactive_file 700\n");
    const members = groupMembers(path);
    assert.deepEqual(members.pids(), [12, 345]);
    assert.equal(members.bytes(0), 3_800);
  });
});
