/** An answer that says what is wrong (RFC 9457): handlers throw it, the server writes it as `application/problem+json`. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  /** Further members of the document, for example `errors`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    title: string,
    detail: string,
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.members = members;
  }
}

export function problemBody({ status, title, message, members }: Problem): string {
  return JSON.stringify({ type: "about:blank", title, status, detail: message, ...members });
}
