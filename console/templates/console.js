"use strict";
// Keeps an open page current: fetches it again every few seconds, and shows times in the reader's own time zone.

const SILENT_AFTER = 2; // failed refreshes in a row
let unanswered = 0;

function localise(root) {
  const today = new Date().toDateString();
  const language = document.documentElement.lang;
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const clock = at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    const day = at.toLocaleDateString(language, { day: "numeric", month: "short" });
    time.title = at.toLocaleString(language, { dateStyle: "full", timeStyle: "long" });
    time.textContent = at.toDateString() === today ? clock : `${day}, ${clock}`;
  }
}

async function refresh() {
  if (document.hidden) return;
  try {
    // Built from its parts: the page's own address may hold the password, which fetch refuses.
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

async function keepRefreshing() {
  await refresh();
  setTimeout(keepRefreshing, 1000 * Number(document.body.dataset.every || 15));
}

localise(document);
if (document.body.dataset.every) {
  setTimeout(keepRefreshing, 1000 * Number(document.body.dataset.every));
  document.addEventListener("visibilitychange", refresh);
}
