// Buttons and forms that change something: [data-action] and [data-action-form] call a JSON route,
// then the page is loaded anew with a message, or another one is. With data-stays the page stays, and
// the event "action:done" tells the answer.

import { call, Refused } from "./api.js";
import { confirmed } from "./dialogs.js";
import { keep, say } from "./messages.js";

export function wireActions() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button && button.getAttribute("aria-busy") !== "true") {
      event.preventDefault();
      const { body } = button.dataset;
      run(button, button, body === undefined ? undefined : JSON.parse(body), (text) => say(text, "bad"));
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-action-form]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const said = form.querySelector(".form__said");
    said.textContent = "";
    if (button.getAttribute("aria-busy") !== "true") run(form, button, fieldsOf(form), (text) => { said.textContent = text; });
  });
}

async function run(element, button, body, failed) {
  const { method, url, confirm, done, goesTo } = element.dataset;
  if (confirm && !(await confirmed(confirm, button.textContent.trim()))) return;
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await call(method, url, body);
    element.dispatchEvent(new CustomEvent("action:done", { bubbles: true, detail: answer.body }));
    if ("stays" in element.dataset) {
      say(done);
    } else {
      keep(done);
      if (goesTo) location.assign(goesTo);
      else location.reload();
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    element.dispatchEvent(new CustomEvent("action:refused", { bubbles: true, detail: error }));
    failed(error.message);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// A field's name may be a path: "sync.lookbackDays". Blank fields are left out, unless data-blank says
// that they are sent as null.
export function fieldsOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    const value = valueOf(field);
    if (value === undefined) continue;
    const path = field.name.split(".");
    const last = path.pop();
    path.reduce((inner, part) => (inner[part] ??= {}), body)[last] = value;
  }
  return body;
}

function valueOf(field) {
  const text = field.value.trim();
  if (field.dataset.type === "lines") return text.split(/[\n,]/).map((line) => line.trim()).filter(Boolean);
  if (field.type === "checkbox") return field.checked;
  if (text === "") return "blank" in field.dataset ? null : undefined;
  if (field.dataset.type === "number") return Number(text);
  if (field.dataset.type === "boolean") return text === "true";
  return field.type === "password" ? field.value : text;
}
