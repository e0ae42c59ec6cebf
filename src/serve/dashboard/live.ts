/**
 * Fetches the page again when something was judged, once a second at most and only while it is looked at, and puts its
 * board in place; what was unfolded stays unfolded.
 */
export const live = `"use strict";
const board = document.getElementById("board");
const lamp = document.getElementById("live");
let waiting = false;
let missed = false;
function say(name, text) {
  if (lamp.textContent === text) return;
  lamp.className = "pill " + name;
  lamp.textContent = text;
}
async function refresh() {
  const response = await fetch("/", { headers: { accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("board");
  if (fresh === null) return;
  for (const details of board.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector("#" + CSS.escape(details.id));
    if (same !== null) same.open = true;
  }
  const reading = [...board.querySelectorAll(".scroll")].map((region) => [region.getAttribute("aria-label"), region.scrollLeft, region === document.activeElement]);
  board.replaceChildren(...fresh.childNodes);
  for (const region of board.querySelectorAll(".scroll")) {
    const [, left, focused] = reading.find(([label]) => label === region.getAttribute("aria-label")) || [];
    if (left > 0) region.scrollLeft = left;
    if (focused) region.focus({ preventScroll: true });
  }
  document.title = page.title;
  document.querySelector("link[rel=icon]").href = page.querySelector("link[rel=icon]").href;
}
function soon() {
  if (document.hidden) missed = true;
  if (document.hidden || waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    missed = false;
    refresh().catch(() => {});
  }, 1000);
}
const events = new EventSource("/v1/events");
for (const name of ["judged", "breaker", "alert"]) events.addEventListener(name, soon);
events.addEventListener("open", () => {
  if (lamp.classList.contains("off")) soon();
  say("on", "live");
});
events.addEventListener("error", () => say("off", "not connected"));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && missed) soon();
});
`;
