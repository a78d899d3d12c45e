// What a button of a [data-answer] is answered, shown in its [data-field]s: each names a path in the
// answer. The list of them is hidden until then.

document.addEventListener("action:done", (event) => {
  const place = event.target.closest("[data-answer]");
  const list = place?.querySelector("dl[hidden], dl[data-shown]");
  if (!list) return;
  const fields = [...list.querySelectorAll("[data-field]")];
  const values = fields.map((field) => at(event.detail, field.dataset.field));
  if (values.every((value) => value === undefined)) return;
  fields.forEach((field, index) => { field.textContent = written(values[index]); });
  list.hidden = false;
  list.dataset.shown = "";
});

function at(answer, path) {
  return path.split(".").reduce((inner, name) => inner?.[name], answer);
}

function written(value) {
  if (value === undefined || value === null) return "—";
  if (typeof value === "number") return value.toLocaleString("en-US");
  const words = String(value).replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}
