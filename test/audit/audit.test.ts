import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { auditFiles } from "../../src/audit/audit.ts";
import { auditors } from "../../src/audit/table.ts";

const digest = `@sha256:${"0a".repeat(32)}`;
const commit = "0123456789abcdef0123456789abcdef01234567";
const hash = `--hash=sha256:${"a".repeat(64)}`;

/** `line:column code message` of every finding of the first file. */
function told(path: string, text: string, others: Readonly<Record<string, string>> = {}): string[] {
  const files = [{ path, text }, ...Object.entries(others).map(([name, own]) => ({ path: name, text: own }))];
  return auditFiles(files)
    .findings.filter(({ file }) => file === path)
    .map(({ line, column, code, severity, message }) =>
      [`${line}:${column}`, ...(severity === "error" ? [] : [severity]), code, message].join(" "),
    );
}

describe("an audit of Python", () => {
  it("wants versions and hashes in requirements.txt, over continuations, comments and repositories", () => {
    const text = [
      "# the incident",
      "torch",
      "numpy>=1.21,<2   # a range",
      "pandas==1.5.3",
      "scipy==1.10.0 \\",
      `    ${hash}`,
      "--extra-index-url https://download.example.org/whl/nightly/cpu",
      "tf-nightly==2.13.0.dev20230101",
      "-e git+https://github.com/foo/bar.git@main#egg=bar",
      `-e git+https://github.com/foo/baz.git@${commit}#egg=baz`,
      "  pkg[extra]==1.* ; python_version < '3.9'",
      "wheel @ https://example.org/wheel-1.0.whl",
      `early==2.0rc1 ${hash}`,
      "-r other.txt",
      "-e .",
    ].join("\n");
    assert.deepEqual(told("requirements.txt", text), [
      "2:1 unpinned torch has no version",
      "3:1 unpinned numpy is >=1.21,<2, a range",
      "4:1 unhashed pandas 1.5.3 is taken without a hash",
      "7:1 nightly https://download.example.org/whl/nightly/cpu is an index of nightly builds",
      "8:1 nightly tf-nightly 2.13.0.dev20230101 is a nightly build",
      "9:1 floating-ref bar comes from a repository at main, which can move",
      "11:3 unpinned pkg is ==1.*, a range",
      "12:1 unhashed wheel is taken from https://example.org/wheel-1.0.whl without a hash",
      "13:1 warning prerelease early 2.0rc1 is a pre-release",
    ]);
    assert.deepEqual(told("requirements-dev.txt", `torch==1.13.1 ${hash}\r\n`), []);
  });

  const manifest = `[project]
name = "reco"
dependencies = ["torch>=1.13", "exact==1.0"]
[project.optional-dependencies]
all = ["reco[dev]"]
[dependency-groups]
dev = ["pytest", { include-group = "all" }]
`;

  it("takes a lock with hashes for a pin, and says what is not in it", () => {
    assert.deepEqual(told("a/pyproject.toml", manifest), [
      "1:1 no-lock pyproject.toml has dependencies and no lock beside it",
      "3:18 unpinned torch is >=1.13, a range",
      "7:9 unpinned pytest has no version",
    ]);
    const lock = `[[package]]
name = "torch"
version = "1.13.1"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://x/t.whl", hash = "sha256:00" }]
[[package]]
name = "exact"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://x/e.whl" }]
`;
    assert.deepEqual(told("a/pyproject.toml", manifest, { "uv.lock": lock }), [
      "7:9 not-locked pytest is not in uv.lock",
    ]);
    assert.deepEqual(told("uv.lock", lock), ["7:1 unhashed exact 1.0 is taken without a hash"]);
    const compiled = `torch==1.13.1 \\\n  ${hash}\nexact==1.0 ${hash}\nPyTest==7.0 ${hash}\n`;
    assert.deepEqual(told("a/pyproject.toml", manifest, { "a/requirements.txt": compiled }), []);
  });

  it("reads Poetry: carets are ranges, groups count, a lock of either age binds", () => {
    const poetry = `[tool.poetry.dependencies]
python = "^3.9"
fastapi = "^0.1"
exact = "1.2.3"
local = { path = "../x" }
g = { git = "https://x/y", branch = "main" }
[tool.poetry.group.dev.dependencies]
any = "*"
`;
    assert.deepEqual(told("pyproject.toml", poetry), [
      "1:1 no-lock pyproject.toml has dependencies and no lock beside it",
      "3:1 unpinned fastapi is ^0.1, a range",
      "6:1 floating-ref g comes from a repository at main, which can move",
      '8:1 floating-tag any is "*": whatever is newest',
    ]);
    const old = `[[package]]\nname = "numpy"\nversion = "1.21"\n[metadata.files]\nnumpy = [{ file = "n.whl", hash = "sha256:00" }]\n`;
    assert.deepEqual(told("poetry.lock", old), []);
    const git = `[[package]]\nname = "g"\nversion = "0"\nfiles = []\n[package.source]\ntype = "git"\nurl = "https://x"\nresolved_reference = "main"\n`;
    assert.deepEqual(told("poetry.lock", git), [
      "2:1 floating-ref g comes from a repository at main, which can move",
    ]);
  });

  it("wants conda's versions whole", () => {
    const text =
      "channels: [defaults]\ndependencies:\n  - python=3.9\n  - numpy=1.21.5\n  - scipy==1.7\n  - pip\n  - pip:\n    - torch\n    - ok==1\n";
    assert.deepEqual(told("environment.yml", text), [
      "3:5 unpinned python is =3.9, a range",
      "8:7 unpinned torch has no version",
    ]);
  });
});

describe("an audit of Node", () => {
  const manifest = `{\n\t"dependencies": { "left-pad": "^1.3.0", "a": "latest", "b": "github:u/r#main", "c": "1.2.3", "e": "file:../e", "f": "npm:x@~2.0.0" },\n\t"peerDependencies": { "react": ">=16" }\n}`;

  it("wants exact versions where there is no lock, and a commit of a repository always", () => {
    assert.deepEqual(told("package.json", manifest), [
      "1:1 no-lock package.json has dependencies and no lock beside it",
      "2:20 unpinned left-pad is ^1.3.0, a range",
      '2:42 floating-tag a is "latest": whatever is newest',
      "2:57 floating-ref b comes from a repository at main, which can move",
      "2:113 unpinned f is ~2.0.0, a range",
    ]);
  });

  it("takes the locks of npm, pnpm and yarn, and looks into them for hashes and nightly builds", () => {
    const locks: Record<string, string> = {
      "package-lock.json": JSON.stringify(
        {
          lockfileVersion: 3,
          packages: {
            "": {},
            "node_modules/left-pad": { version: "1.3.0", integrity: "sha512-x" },
            "node_modules/a": { version: "2.0.0-nightly.3", integrity: "sha512-x" },
            "node_modules/b": { version: "1.0.0", resolved: `git+ssh://git@github.com/u/r.git#${commit}` },
            "node_modules/c": { version: "1.2.3" },
            "node_modules/f": { name: "x", version: "2.0.1", integrity: "sha512-x" },
            "packages/own": { version: "1.0.0" },
            "node_modules/own": { resolved: "packages/own", link: true },
          },
        },
        null,
        2,
      ),
      "pnpm-lock.yaml": `lockfileVersion: '9.0'\npackages:\n  left-pad@1.3.0:\n    resolution: {integrity: sha512-x}\n  a@2.0.0-nightly.3:\n    resolution: {integrity: sha512-x}\n  b@https://codeload.github.com/u/r/tar.gz/${commit}:\n    resolution: {tarball: https://codeload.github.com/u/r/tar.gz/${commit}}\n  c@1.2.3:\n    resolution: {tarball: https://x/c.tgz}\n  f@2.0.1:\n    resolution: {integrity: sha512-x}\n`,
      "yarn.lock": `# yarn lockfile v1\n\nleft-pad@^1.3.0:\n  version "1.3.0"\n  resolved "https://r/l.tgz#abc"\n  integrity sha512-x\n\na@latest:\n  version "2.0.0-nightly.3"\n  resolved "https://r/a.tgz"\n  integrity sha512-x\n\n"b@github:u/r#main":\n  version "1.0.0"\n  resolved "https://codeload.github.com/u/r/tar.gz/${commit}"\n\nc@1.2.3:\n  version "1.2.3"\n  resolved "https://r/c.tgz"\n\n"f@npm:x@~2.0.0":\n  version "2.0.1"\n  integrity sha512-x\n`,
    };
    for (const [name, lock] of Object.entries(locks)) {
      assert.deepEqual(
        told("package.json", manifest, { [name]: lock }).filter((line) => !line.includes("floating-ref b")),
        ['2:42 warning floating-tag a is "latest": whatever is newest'],
        name,
      );
      assert.deepEqual(
        told(name, lock).map((line) => line.replace(/^\S+ /, "")),
        ["nightly a 2.0.0-nightly.3 is a nightly build", "unhashed c 1.2.3 is taken without a hash"],
        name,
      );
    }
    const without = told("package.json", '{ "dependencies": { "new": "1.0.0" } }', locks);
    assert.deepEqual(without, ["1:21 not-locked new is not in package-lock.json"]);
  });
});

describe("an audit of containers and CI", () => {
  it("wants digests of base images, by way of ARG, stages and COPY --from, and says what RUN installs", () => {
    const text = `ARG BASE=python:3.9
FROM \${BASE} AS build
FROM python:latest
FROM scratch
FROM build
FROM python:3.9${digest}
RUN apt-get update && apt-get install -y --no-install-recommends \\
    curl=7.88.1-10 \\
    # why git
    git && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir -r requirements.txt torch "numpy==1.21"
RUN curl -sSL https://install.example.org | bash
COPY --from=nginx:1.25 /a /b
COPY --from=build /a /b
RUN npm install -g yarn && npm ci
ADD https://example.org/x.tgz /x
RUN <<EOF
pip install flask
EOF
RUN echo "pip install nothing" # pip install nothing
`;
    assert.deepEqual(told("docker/Dockerfile.gpu", text), [
      "2:6 image-undigested image python:3.9 has a tag, which can move, and no digest",
      "3:6 floating-tag image python:latest is whatever is newest",
      "10:5 unpinned git has no version",
      "11:52 unpinned torch has no version",
      "11:58 unhashed numpy 1.21 is taken without a hash",
      "12:5 remote-script a script from the network is run unseen",
      "13:6 image-undigested image nginx:1.25 has a tag, which can move, and no digest",
      "15:20 unpinned yarn has no version",
      "16:5 unhashed https://example.org/x.tgz is taken without a hash",
      "18:13 unpinned flask has no version",
    ]);
  });

  it("wants actions at a commit, and reads what steps run", () => {
    const text = `on: push
jobs:
  a:
    container: python:3.9
    services: { redis: { image: "redis:7" } }
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@${commit} # v5
      - uses: ./local
      - uses: docker://alpine
      - run: |
          echo hello
          pip install torch
`;
    assert.deepEqual(told(".github/workflows/ci.yml", text), [
      "4:16 image-undigested image python:3.9 has a tag, which can move, and no digest",
      "5:34 image-undigested image redis:7 has a tag, which can move, and no digest",
      "7:15 action-unpinned actions/checkout is at v4, which can move",
      "10:15 floating-tag image alpine is whatever is newest",
      "13:23 unpinned torch has no version",
    ]);
  });

  it("reads compose, and leaves out what is built", () => {
    const text =
      "services:\n  a:\n    image: kafka:4\n  b:\n    build: .\n    image: own:latest\n  c:\n    image: redis:7\n";
    assert.deepEqual(told("compose.yaml", text), [
      "3:12 image-undigested image kafka:4 has a tag, which can move, and no digest",
      "8:12 image-undigested image redis:7 has a tag, which can move, and no digest",
    ]);
  });
});

describe("an audit of Go and Rust", () => {
  it("wants go.sum and Cargo.lock with checksums, and a toolchain that stays", () => {
    const mod = "module x\n\nrequire github.com/a/b v1.0.0\n";
    assert.deepEqual(told("go.mod", mod), ["3:1 no-lock go.mod has dependencies and no lock beside it"]);
    assert.deepEqual(told("go.mod", mod, { "go.sum": "" }), []);
    const cargo =
      '[package]\nname = "serde"\n[dependencies]\nserde = "1"\nw = "=1.2.3"\nown = { path = "../own" }\n';
    assert.deepEqual(told("Cargo.toml", cargo), [
      "1:1 no-lock Cargo.toml has dependencies and no lock beside it",
      "4:1 unpinned serde is 1, a range",
    ]);
    const lock =
      '[[package]]\nname = "serde"\nversion = "1.0.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n';
    assert.deepEqual(told("Cargo.toml", cargo, { "Cargo.lock": lock }), []);
    assert.deepEqual(told("Cargo.lock", lock), ["2:1 unhashed serde 1.0.0 is taken without a hash"]);
    assert.deepEqual(told("rust-toolchain.toml", '[toolchain]\nchannel = "nightly"\n'), [
      "2:12 nightly the toolchain is whatever nightly is newest",
    ]);
    assert.deepEqual(told("rust-toolchain", "1.82.0\n"), []);
  });
});

describe("an audit", () => {
  const paths = [
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "environment.yml",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "Dockerfile",
    "compose.yaml",
    ".github/workflows/a.yml",
    "go.mod",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
  ];

  it("knows every kind of file in its table, and none that only looks like one", () => {
    for (const { matches } of auditors)
      assert.ok(
        paths.some((path) => matches.test(path)),
        String(matches),
      );
    for (const path of [
      "requirements.md",
      "my-package.json",
      "src/dockerfile.ts",
      "docs/compose.md",
      "go.module",
    ])
      assert.ok(!auditors.some(({ matches }) => matches.test(path)), path);
  });

  it("says of what it cannot read that it cannot, and never throws", () => {
    assert.match(told("package.json", "{broken").join(), /^1:1 unreadable cannot be read: /);
    assert.match(told("pyproject.toml", "[a\n").join(), /^1:1 unreadable/);
    assert.match(told("compose.yaml", "a: [").join(), /^1:1 unreadable/);
    const piece = fc.constantFrom(
      ...[
        "FROM ",
        "RUN ",
        "\\\n",
        "\n",
        "pip install ",
        "a==1",
        '"',
        "'",
        "[",
        "]",
        "{",
        "}",
        ":",
        "=",
        "@",
        "# ",
        "- ",
        "<<EOF",
        "name = ",
        "git+https://",
        "\0",
        "ü",
        `$${"{x}"}`,
        "--hash=",
        " ",
        "null",
        "1",
        ",",
      ],
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.array(piece, { maxLength: 40 }), (path, pieces) => {
        for (const { line, column, message } of auditFiles([{ path, text: pieces.join("") }]).findings)
          assert.ok(line >= 1 && column >= 1 && message.length > 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes keys of every kind for data", () => {
    assert.deepEqual(
      told("package.json", '{ "dependencies": { "__proto__": "^1", "constructor": "^2" } }').length,
      3,
    );
  });
});
