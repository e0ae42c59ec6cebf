/** Fetches the page again when something was judged, at most twice a second, and puts its board in place. */
export const live = `"use strict";
const board = document.getElementById("board");
let waiting = false;
async function refresh() {
  waiting = false;
  const response = await fetch("/", { headers: { accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("board");
  if (fresh !== null) board.replaceChildren(...fresh.childNodes);
}
function soon() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => refresh().catch(() => {}), 500);
}
const events = new EventSource("/v1/events");
for (const name of ["judged", "breaker", "alert"]) events.addEventListener(name, soon);
events.addEventListener("open", soon);
`;
