import type { Found } from "./finding.ts";
import { judgeOption, judgeRequirement, judgeUrl } from "./requirement.ts";
import { floatingTag, isExactSemver, unpinned, unstable } from "./version.ts";

/** A finding within a command line, at an offset of it. */
export interface ShellFinding {
  readonly offset: number;
  readonly found: Found;
}

interface Word {
  readonly text: string;
  readonly offset: number;
}

/** What the commands of a shell line install without saying which bytes. Not a shell: quotes are stripped, variables stay. */
export function judgeShell(line: string): readonly ShellFinding[] {
  const findings: ShellFinding[] = [];
  const script = /\b(?:curl|wget)\b[^\n;&]*?\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:\/bin\/)?(?:ba|z|da)?sh\b/.exec(
    line,
  );
  if (script !== null)
    findings.push({
      offset: script.index,
      found: {
        code: "remote-script",
        severity: "error",
        message: "a script from the network is run unseen",
        hint: "download it, check its SHA-256, then run it",
      },
    });
  for (const command of commandsOf(line)) findings.push(...judgeCommand(command));
  return findings;
}

/** Split at `&&`, `||`, `;`, `|`, `&` and line ends, outside of quotes. */
function commandsOf(line: string): readonly (readonly Word[])[] {
  const commands: Word[][] = [[]];
  for (const match of line.matchAll(/&&|\|\||[;|&\n()]|(?:"[^"]*"|'[^']*'|\\.|[^\s;|&()"'\\])+|\\\n/g)) {
    const [text] = match;
    if (/^(?:&&|\|\||[;|&\n()])$/.test(text)) commands.push([]);
    else if (text !== "\\\n") commands.at(-1)?.push({ text: text.replace(/["']/g, ""), offset: match.index });
  }
  return commands.filter(({ length }) => length > 0);
}

function judgeCommand(words: readonly Word[]): readonly ShellFinding[] {
  const start = words.findIndex(
    ({ text }) => !/^(?:sudo|env|time|exec|then|do|else|if|!|-\w+|[A-Za-z_]\w*=.*)$/.test(text),
  );
  const texts = words.slice(Math.max(0, start)).map(({ text }) => text);
  const line = texts.join(" ");
  for (const { pattern, judge, valued } of installers) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const skipped = match[0].trim().split(" ").length;
    const rest = words.slice(Math.max(0, start) + skipped);
    return judge(rest.map((word, index) => ({ ...word, valued: valued.test(rest[index - 1]?.text ?? "") })));
  }
  return [];
}

type Argument = Word & { readonly valued: boolean };

interface Installer {
  readonly pattern: RegExp;
  /** Options whose next word is their value. */
  readonly valued: RegExp;
  readonly judge: (rest: readonly Argument[]) => readonly ShellFinding[];
}

/** Packages among the arguments, each judged for itself. */
function each(judge: (text: string) => Found | undefined): Installer["judge"] {
  return (rest) =>
    rest.flatMap(({ text, offset, valued }) => {
      if (text.startsWith("-") || valued || /^[.$/<>\d]/.test(text)) return [];
      const found = judge(text);
      return found === undefined ? [] : [{ offset, found }];
    });
}

const system = each((text) => {
  const [name = text, version] = text.split("=");
  return version === undefined
    ? { ...unpinned(name, ""), hint: "name the version: PACKAGE=VERSION" }
    : undefined;
});

const npmTool = each((text) => {
  const cut = text.lastIndexOf("@");
  const [name, version] = cut > 0 ? [text.slice(0, cut), text.slice(cut + 1)] : [text, ""];
  if (/^[a-z]+$/i.test(version)) return floatingTag(name, version, false);
  return isExactSemver(version) ? unstable(name, version) : unpinned(name, version);
});

const installers: readonly Installer[] = [
  {
    pattern: /^(?:apt-get|apt)(?: -\S+)* install\b/,
    valued: /^(?:-t|-o|-c|--target-release)$/,
    judge: system,
  },
  { pattern: /^apk(?: --?\S+)* add\b/, valued: /^(?:-t|--virtual|-X|--repository)$/, judge: apk },
  {
    pattern: /^(?:yum|dnf|microdnf)(?: -\S+)* install\b/,
    valued: /^--enablerepo$/,
    judge: each((text) => (/-\d/.test(text) ? undefined : unpinned(text, ""))),
  },
  { pattern: /^(?:\S*python[\d.]* -m )?pip[\d.]* (?:-\S+ )*install\b/, valued: /^$/, judge: pip },
  { pattern: /^uv pip install\b/, valued: /^$/, judge: pip },
  {
    pattern: /^(?:conda|mamba|micromamba) install\b/,
    valued: /^(?:-c|--channel|-n|--name|-p|--prefix|--file|-f)$/,
    judge: each((text) =>
      /==|=[^=]+=/.test(text) || /=\d+\.\d+\.\d+/.test(text) ? undefined : unpinned(text, ""),
    ),
  },
  {
    pattern: /^(?:npm (?:install|i|add)|pnpm add|yarn (?:global )?add)\b/,
    valued: /^(?:--prefix|--registry|-w|--workspace|-c)$/,
    judge: npmTool,
  },
  {
    pattern: /^go install\b/,
    valued: /^$/,
    judge: each((text) =>
      /@v\d+\.\d+\.\d+/.test(text)
        ? undefined
        : floatingTag(text.split("@")[0] ?? text, text.split("@")[1] ?? "", false),
    ),
  },
  {
    pattern: /^cargo install\b/,
    valued: /^--(?:root|path|features|git|rev|version|vers|target)$/,
    judge: cargo,
  },
];

function apk(rest: readonly Argument[]): readonly ShellFinding[] {
  return system(rest.map((word) => ({ ...word, text: word.text.replace(/[~<>]+=?/, "") })));
}

function cargo(rest: readonly Argument[]): readonly ShellFinding[] {
  const exact = rest.some(({ text }) => /^--(?:version|vers|rev|path)\b/.test(text));
  return exact ? [] : each((text) => (/@\d+\.\d+\.\d+/.test(text) ? undefined : unpinned(text, "")))(rest);
}

const pipValued =
  /^(?:-r|--requirement|-c|--constraint|-i|--index-url|--extra-index-url|-f|--find-links|-t|--target|--prefix|--root|--python|-e|--editable|--trusted-host|--proxy|--timeout|--cache-dir|--platform|--python-version)$/;

/** `-r FILE` is looked at where it lies; `.` is the project itself. A command line has no place for hashes. */
function pip(rest: readonly Argument[]): readonly ShellFinding[] {
  return rest.flatMap(({ text, offset }, index) => {
    const before = rest[index - 1]?.text ?? "";
    const option = judgeOption(/^-(?:i|f|-\w)/.test(text) ? `${text} ${rest[index + 1]?.text ?? ""}` : "");
    if (option !== undefined) return [{ offset, found: option }];
    if (text.startsWith("-") || pipValued.test(before) || /^[.$/]|\.(?:whl|tar\.gz|zip)$/.test(text))
      return [];
    const found = /^(?:\w+\+)?https?:/.test(text)
      ? judgeUrl(text, text, false)
      : judgeRequirement(text, { hashed: false, locked: false });
    return found.map((each) => ({ offset, found: each }));
  });
}
