// "3 minutes ago" stays true while the page is open: every <time datetime data-ago>.

import { counted } from "./words.js";

const UNITS = [["days", 86400], ["hours", 3600], ["minutes", 60]];
const EVERY_MS = 20_000;

export function agoText(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1000;
  for (const [unit, length] of UNITS) {
    const number = Math.floor(seconds / length);
    if (number) {
      const words = counted(number, unit);
      return milliseconds > 0 ? `${words} ago` : `in ${words}`;
    }
  }
  return "just now";
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.textContent = agoText(Date.now() - Date.parse(time.dateTime));
  }
}

export function keepTrue() {
  refresh();
  setInterval(refresh, EVERY_MS);
}
