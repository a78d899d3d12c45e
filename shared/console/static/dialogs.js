// A question before something is changed.

export function confirmed(question, label) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-heading");
  const heading = Object.assign(document.createElement("h2"), { id: "dialog-heading", textContent: label });
  const words = Object.assign(document.createElement("p"), { textContent: question });
  const form = Object.assign(document.createElement("form"), { method: "dialog", className: "buttons" });
  const yes = Object.assign(document.createElement("button"), { className: "button", value: "yes", textContent: label });
  const no = Object.assign(document.createElement("button"), { className: "button button--quiet", value: "no", textContent: "Cancel" });
  form.append(yes, no);
  dialog.append(heading, words, form);
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
