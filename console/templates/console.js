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
    const reply = await fetch(location.origin + location.pathname + location.search, { headers: { "X-Refresh": "1" } });
    if (reply.redirected) location.reload(); // to the log-in: this session is over
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

// A second click, while the first is on its way, sends nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 2000); // the answer may be a file, and the page stay
});

async function keepRefreshing() {
  await refresh();
  setTimeout(keepRefreshing, 1000 * Number(document.body.dataset.every || 15));
}

// A form with data-preview shows, while it is filled in, the part of the page that its preview button would show.
for (const form of document.querySelectorAll("form[data-preview]")) {
  let wait;
  const preview = async () => {
    const fields = new FormData(form);
    fields.set("preview", "1");
    try {
      const reply = await fetch(location.origin + location.pathname, { method: "POST", body: new URLSearchParams(fields) });
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById(form.dataset.preview);
      if (reply.ok && fresh) document.getElementById(form.dataset.preview).replaceChildren(...fresh.childNodes);
    } catch {
      // the next key tries again; saving says what is wrong
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(preview, 400);
  });
}
for (const button of document.querySelectorAll("[data-insert]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const field = document.getElementById(button.dataset.insert);
    field.setRangeText(`{{ ${button.value} }}`, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

localise(document);
if (document.body.dataset.every) {
  setTimeout(keepRefreshing, 1000 * Number(document.body.dataset.every));
  document.addEventListener("visibilitychange", refresh);
}
