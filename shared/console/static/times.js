// "3 minutes ago" stays true while the page is open: every <time datetime data-ago>.

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const EVERY_MS = 20_000;

export function agoText(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1000;
  for (const [unit, length] of UNITS) {
    const number = Math.floor(seconds / length);
    if (number) {
      const words = `${number.toLocaleString("en-US")} ${unit}${number > 1 ? "s" : ""}`;
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
