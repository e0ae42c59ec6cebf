/**
 * Methods that a path takes, of routes as Fastify has them; none for a path that there is not.
 * @param routes  `[method, url]`, with `:parameter` and a `*` at the end
 */
export function allowedMethods(routes: readonly (readonly [string, string])[], path: string): string[] {
  const asked = path.split("/");
  const methods = routes.flatMap(([method, url]) => (matches(url.split("/"), asked) ? [method] : []));
  return [...new Set(methods)].sort();
}

function matches(route: readonly string[], asked: readonly string[]): boolean {
  const open = route.at(-1) === "*";
  if (open ? asked.length < route.length : asked.length !== route.length) return false;
  return route.every(
    (part, at) => part === "*" || part === asked[at] || (part[0] === ":" && asked[at] !== ""),
  );
}
