// Copy buttons, live refresh and busy buttons; every page works without them.
"use strict";

function announce(words) {
  const line = document.createElement("p");
  line.className = "sr-only";
  line.textContent = words;
  document.getElementById("status").append(line);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("code").textContent;
    const said = await navigator.clipboard.writeText(text).then(() => "Copied", () => "Not copied: select it");
    button.textContent = said;
    announce(said);
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// A part with data-refresh="URL" is fetched again every few seconds, while the page is visible and nothing in it is open.
for (const part of document.querySelectorAll("[data-refresh]")) {
  const isRead = () => part.contains(document.activeElement) || part.querySelector("details[open]") !== null;
  setInterval(async () => {
    if (document.hidden || isRead()) return;
    const answer = await fetch(part.dataset.refresh, { redirect: "error" }).catch(() => null);
    const text = answer && answer.ok ? await answer.text().catch(() => null) : null;
    if (text !== null && !isRead()) part.innerHTML = text;
  }, 5000);
}

// A checkbox with data-select-all ticks all others of its form.
for (const all of document.querySelectorAll("[data-select-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const one of all.form.querySelectorAll("input[type=checkbox]")) one.checked = all.checked;
  });
}

// A button with data-busy="Sending…" shows that while its form is being sent.
for (const button of document.querySelectorAll("[data-busy]")) {
  button.form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-busy") === "true") { event.preventDefault(); return; }
    button.setAttribute("aria-busy", "true");
    button.querySelector("[data-label]").textContent = button.dataset.busy;
    announce(button.dataset.busy);
  });
}
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// One open menu at a time, closed by Escape or a click elsewhere.
const menus = document.querySelectorAll(".menu details");
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus) if (menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
});

// A form with data-continue goes on by itself.
for (const form of document.querySelectorAll("form[data-continue]")) form.requestSubmit();
