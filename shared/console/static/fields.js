// What the server says of a form's fields is put beside each field that it names. A field is named by
// its own name, or by one of data-errors, which may go on with a place in a list.

export function wireFields() {
  document.addEventListener("action:refused", (event) => {
    const form = event.target.closest("[data-action-form]");
    if (form && showFaults(form, event.detail.message)) event.preventDefault();
  });
  document.addEventListener("submit", (event) => clearFaults(event.target), true);
}

// Whether it named fields only; they are marked then.
export function showFaults(form, message) {
  clearFaults(form);
  const left = [];
  for (const part of message.split("; ")) {
    const field = fieldNamedIn(form, part);
    if (field) mark(field, part);
    else left.push(part);
  }
  const marked = form.querySelector("[aria-invalid]");
  if (!marked) return false;
  marked.closest("details")?.setAttribute("open", "");
  marked.focus();
  form.querySelector(".form__said").textContent = left.length ? `${left.join("; ")}.` : "Correct the fields that are marked.";
  return true;
}

export function clearFaults(form) {
  form.querySelectorAll(".field__fault").forEach((fault) => fault.remove());
  form.querySelectorAll("[aria-invalid]").forEach((field) => {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
  });
}

function fieldNamedIn(form, part) {
  let found = null;
  let longest = 0;
  for (const field of form.elements) {
    if (!field.name || field.type === "hidden") continue;
    for (const name of [field.name, ...(field.dataset.errors ?? "").split(" ").filter(Boolean)]) {
      const at = new RegExp(`(^|[^\\w.])${name.replaceAll(".", "\\.")}(?![\\w])`, "i");
      if (name.length > longest && at.test(part)) [found, longest] = [field, name.length];
    }
  }
  return found;
}

let marks = 0;

function mark(field, part) {
  const named = [field.name, ...(field.dataset.errors ?? "").split(" ").filter(Boolean)];
  const begins = new RegExp(`^.*?(${named.map((name) => name.replaceAll(".", "\\.")).join("|")})[\\w.]*:? +(Value error, )?`, "i");
  const words = part.replace(begins, "");
  const fault = document.createElement("small");
  fault.className = "field__fault";
  fault.id = `fault-${(marks += 1)}`;
  fault.textContent = words[0].toUpperCase() + words.slice(1);
  field.after(fault);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", fault.id);
}
