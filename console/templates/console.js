"use strict";
// Keeps an open page true: looks again every few seconds, and shows times in the reader's own zone.

const SILENT_AFTER = 2; // looks in a row that nobody answered
let unanswered = 0;

function localise(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    const day = at.toLocaleDateString([], { day: "numeric", month: "short" });
    time.title = at.toString();
    time.textContent = at.toDateString() === today ? clock : `${day}, ${clock}`;
  }
}

async function look() {
  if (document.hidden) return;
  try {
    // Spelt out, because a page opened with its password in the address would pass that on.
    const reply = await fetch(location.origin + location.pathname + location.search);
    if (!reply.ok) throw new Error(reply.statusText);
    show(new DOMParser().parseFromString(await reply.text(), "text/html"));
    unanswered = 0;
  } catch {
    unanswered += 1;
  }
  document.body.classList.toggle("unanswered", unanswered >= SILENT_AFTER);
}

function show(fresh) {
  localise(fresh);
  document.body.dataset.every = fresh.body.dataset.every;
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (other && other.innerHTML !== part.innerHTML) part.replaceChildren(...other.childNodes);
  }
}

async function keepLooking() {
  await look();
  setTimeout(keepLooking, 1000 * Number(document.body.dataset.every || 15));
}

localise(document);
if (document.body.dataset.every) {
  setTimeout(keepLooking, 1000 * Number(document.body.dataset.every));
  document.addEventListener("visibilitychange", look);
}
