/** What must hold of every picture: it can be told, its numbers are numbers, and it brings no style or script of its own. */
export function problemsOf(svg: string): readonly string[] {
  const problems: string[] = [];
  if (
    !/^<svg (?:role="img" viewBox="0 0 [\d.]+ [\d.]+" width="[\d.]+" height="[\d.]+" aria-label="[^"]+"><title>|aria-hidden="true" viewBox)/.test(
      svg,
    )
  )
    problems.push("neither a text alternative nor an ornament");
  if (/NaN|undefined|Infinity/.test(svg.replace(/<title>[^<]*<\/title>|aria-label="[^"]*"/g, "")))
    problems.push("a coordinate that is no number");
  if (/style=|<script|\son\w+=|href=/.test(svg)) problems.push("style or script");
  const tags = [...svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)];
  const open: string[] = [];
  for (const [, closing, name, empty] of tags) {
    if (closing === "/" && open.pop() !== name) problems.push(`</${name}> closes another`);
    else if (closing !== "/" && empty !== "/") open.push(name ?? "");
  }
  if (open.length > 0) problems.push(`${open.join()} left open`);
  return problems;
}
