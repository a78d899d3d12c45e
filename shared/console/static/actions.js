// Buttons and forms that change something: [data-action] and [data-action-form] call a JSON route,
// then the page is loaded anew with a message, or another one is, which is told of a run that the answer
// names (#run=). With data-stays the page stays, and
// the event "action:done" tells the answer. Who prevents the default of it, or of "action:refused",
// says something else.

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
    if (!told(element, "action:done", answer.body)) return;
    if ("stays" in element.dataset) {
      say(done);
    } else {
      keep(done);
      const run = answer.body?.runId;
      if (goesTo) location.assign(run ? `${goesTo}#run=${run}` : goesTo);
      else location.reload();
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (told(element, "action:refused", error)) failed(error.message);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function told(element, event, detail) {
  return element.dispatchEvent(new CustomEvent(event, { bubbles: true, cancelable: true, detail }));
}

// A field's name may be a path: "sync.lookbackDays", "tiers.0.name". Blank fields are left out, unless
// data-blank says that they are sent as null; in a list, rows that are blank are left out. Fields with
// data-changed, which show what is so by default, are sent only if somebody has changed them.
export function fieldsOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    if ("changed" in field.dataset && field.value === field.defaultValue) continue;
    const path = field.name.split(".");
    const last = path.pop();
    const value = valueOf(field);
    if (field.dataset.type !== "each" && value === undefined) continue;
    const inner = path.reduce((found, part, index) => (found[part] ??= isPlace(path[index + 1]) ? [] : {}), body);
    if (field.dataset.type !== "each") inner[last] = value;
    else if (field.checked) (inner[last] ??= []).push(field.value);
    else inner[last] ??= [];
  }
  return withoutHoles(body);
}

const isPlace = (part) => /^\d+$/.test(part ?? "");

function withoutHoles(value) {
  if (Array.isArray(value)) return value.filter((each) => each !== undefined).map(withoutHoles);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutHoles(each)]));
}

// What is no number is sent as it is: the server says what is wrong with it.
const asNumber = (text) => (Number.isNaN(Number(text)) ? text : Number(text));

function valueOf(field) {
  const text = field.value.trim();
  if (field.dataset.type === "lines") return text.split(/[\n,]/).map((line) => line.trim()).filter(Boolean);
  if (field.dataset.type === "pairs") return pairsOf(text);
  if (field.type === "checkbox") return field.checked;
  if (text === "") return "blank" in field.dataset ? null : undefined;
  if (field.dataset.type === "number") return asNumber(text);
  if (field.dataset.type === "boolean") return text === "true";
  return field.type === "password" ? field.value : text;
}

// "Name: 2" in each line.
function pairsOf(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(lines.map((line) => {
    const [name, ...rest] = line.split(":");
    return [name.trim(), asNumber(rest.join(":").trim())];
  }));
}
