// A replay says which of what was asked for cannot be sent again, and why.

import { say } from "./messages.js";

document.addEventListener("action:done", (event) => {
  const left = Object.values(event.detail?.left ?? {});
  if (!left.length) return;
  event.preventDefault();
  const { sent } = event.detail;
  say(`${sent ? `${sent} sent again. ` : ""}Not sent again: ${[...new Set(left)].join("; ")}.`, "bad");
});
