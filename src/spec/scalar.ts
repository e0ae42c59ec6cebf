/** Plain where YAML reads it as this very text, else quoted as JSON does, which YAML reads too. */
export function scalar(text: string): string {
  const plain =
    /^[A-Za-z_][A-Za-z0-9_./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n|nan|inf)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}
