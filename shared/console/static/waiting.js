// A page that waits for something ([data-waiting]) is brought up to date until it does not any more.

const EVERY_MS = 2_000;
const TRIES = 300;

async function lookAgain(left) {
  if (!document.querySelector("[data-waiting]") || !left) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(30_000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok || !page.querySelector("[data-waiting]")) {
        location.reload();
        return;
      }
    } catch {
      // The network may be back at the next look.
    }
  }
  setTimeout(lookAgain, EVERY_MS, left - 1);
}

setTimeout(lookAgain, EVERY_MS, TRIES);
