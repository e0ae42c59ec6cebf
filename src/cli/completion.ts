import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import type { Io } from "./io.ts";

type Shell = "bash" | "zsh" | "fish";

/** One command as a shell sees it: `baseline build`, and what may stand behind it. */
export interface Completable {
  readonly path: string;
  readonly description: string;
  readonly words: readonly string[];
}

export function addCompletion(program: Command, io: Io): void {
  program
    .command("completion <shell>")
    .description("A script that completes commands, flags and files, for bash, zsh or fish.")
    .addHelpText(
      "after",
      `
Examples:
  source <(tidemark completion bash)
  tidemark completion zsh > "\${fpath[1]}/_tidemark"
  tidemark completion fish > ~/.config/fish/completions/tidemark.fish`,
    )
    .action((shell: string) => {
      const write = writers[shell as Shell];
      if (write === undefined)
        throw new Fault("usage", `completion ${shell}: no such shell`, { hint: "there are bash, zsh, fish" });
      io.stdout(write(completables(program, "")));
    });
}

/** A command and all below it, with their subcommands and flags. */
function completables(command: Command, path: string): readonly Completable[] {
  const flags = command.options.flatMap(({ long }) => long ?? []);
  const words = [...command.commands.map((child) => child.name()), ...flags, "--help"];
  return [
    { path, description: command.description(), words },
    ...command.commands.flatMap((child) => completables(child, `${path} ${child.name()}`.trim())),
  ];
}

/** The longest command that the words before the cursor name, then its words; files where none of them fits. */
const caseLines = (all: readonly Completable[], form: (each: Completable) => string): string =>
  all.map((each) => `    ${form(each)} ;;`).join("\n");

const writers: Readonly<Record<Shell, (all: readonly Completable[]) => string>> = {
  bash: (all) => `# bash completion of tidemark
_tidemark() {
  local path="" word at words=""
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case "$path $word" in
${all
  .filter(({ path }) => path !== "")
  .map(({ path }) => `      ${quoted(path.includes(" ") ? path : ` ${path}`)}) path=${quoted(path)} ;;`)
  .join("\n")}
    esac
  done
  case "$path" in
${caseLines(all, ({ path, words }) => `${quoted(path)}) words=${quoted(words.join(" "))}`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _tidemark tidemark
`,
  zsh: (all) => `#compdef tidemark
_tidemark() {
  local path_="" word
  local -a offered
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path_ $word" in
${all
  .filter(({ path }) => path !== "")
  .map(({ path }) => `      ${quoted(path.includes(" ") ? path : ` ${path}`)}) path_=${quoted(path)} ;;`)
  .join("\n")}
    esac
  done
  case "$path_" in
${caseLines(all, ({ path, words }) => `${quoted(path)}) offered=(${words.join(" ")})`)}
  esac
  compadd -a offered
  _files
}
compdef _tidemark tidemark
`,
  fish: (all) =>
    `# fish completion of tidemark\n${all
      .flatMap(({ path, words }) =>
        words.map((word) => {
          const seen =
            path === "" ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${path.split(" ").at(-1)}`;
          const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
          return `complete -c tidemark -n ${quoted(seen)} ${what}`;
        }),
      )
      .join("\n")}\n`,
};

/** Names of commands and flags hold no quote. */
function quoted(text: string): string {
  return `'${text}'`;
}
