// The settings: a connection is tried before it is saved, and a test of the alert addresses says what
// came of it at each.

import { fieldsOf } from "./actions.js";
import { call, Refused } from "./api.js";
import { clearFaults, showFaults } from "./fields.js";
import { counted } from "./words.js";

const CALLS = { settings: "Settings", sign_in: "Sign-in", location: "Location" };
const TURNS = { org: "The dispensary's turn.", provider: "The provider's turn.", us: "Our turn.", caller: "" };

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-try]");
  if (button && button.getAttribute("aria-busy") !== "true") tryConnection(button);
});

document.addEventListener("action:done", (event) => {
  for (const { id, accepted, problem } of event.detail?.addresses ?? []) {
    const line = document.querySelector(`[data-address="${CSS.escape(id)}"] .decision__words`);
    line?.querySelector(".tested")?.remove();
    line?.append(element("small", accepted ? "It took the test." : problem, `tested ${accepted ? "tested--good" : "tested--bad"}`));
  }
});

async function tryConnection(button) {
  const form = button.closest("form");
  const place = form.querySelector("[data-connection]");
  const { version, ...body } = fieldsOf(form);
  if (button.dataset.location) body.locationId = button.dataset.location;
  else delete body.locationId;
  clearFaults(form);
  form.querySelector(".form__said").textContent = "";
  place.replaceChildren(element("p", "The point of sale is asked…", "muted"));
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await call("POST", "/api/admin/locations/test", body);
    place.replaceChildren(...described(answer.body, form));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.replaceChildren();
    if (!showFaults(form, error.message)) form.querySelector(".form__said").textContent = error.message;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function described({ ok, calls, locationIds, timezone, locations }, form) {
  const head = element("p", "", "row");
  head.append(
    element("span", ok ? "The connection works" : "The connection does not work", `badge badge--${ok ? "good" : "bad"}`),
    element("span", ok ? `A sync would take location ${locationIds.join(", ")}${timezone ? `, in ${timezone}` : ""}. Nothing was saved.` : "Nothing was saved.", "muted"),
  );
  const list = element("ul", "", "calls");
  list.append(...calls.map((each) => {
    const line = element("li", "");
    const name = CALLS[each.name] ?? each.name[0].toUpperCase() + each.name.slice(1);
    line.append(element("strong", name), element("span", each.ok ? answered(each) : `${each.problem} ${TURNS[each.owner] ?? ""}`));
    return line;
  }));
  return [head, list, ...choices(locations, locationIds, form)];
}

function answered({ rows, milliseconds }) {
  const some = rows === undefined ? "answered" : counted(rows, "rows");
  return `${some} in ${milliseconds.toLocaleString("en-US")} ms`;
}

// The locations of the account that are not meant, each to be chosen.
function choices(locations, meant, form) {
  const others = locations.filter(({ id }) => !meant.includes(id));
  if (!others.length) return [];
  const list = element("ul", "", "calls");
  list.append(...others.map(({ id, name }) => {
    const line = element("li", "");
    const choose = element("button", "Use this one", "button button--quiet button--small");
    choose.type = "button";
    choose.addEventListener("click", () => {
      const field = form.elements["posConfig.locationId"];
      field.value = id;
      field.focus();
    });
    line.append(element("span", `${name ?? "Location"} (${id})`), choose);
    return line;
  }));
  const lead = meant.length ? "Other locations of this account:" : "Choose one of this account's locations, then test again:";
  return [element("p", lead, "muted"), list];
}

function element(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}
