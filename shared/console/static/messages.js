// Messages in the page's live region; one may be kept for the page that is loaded next.

const KEPT = "sync-sam-message";

export function say(text, tone = "good") {
  const message = document.createElement("div");
  message.className = `message message--${tone}`;
  const words = document.createElement("span");
  words.textContent = text;
  message.append(words);
  document.getElementById("messages").replaceChildren(message);
  message.scrollIntoView({ block: "nearest" });
}

export function keep(text, tone = "good") {
  sessionStorage.setItem(KEPT, JSON.stringify({ text, tone }));
}

export function showKept() {
  const kept = sessionStorage.getItem(KEPT);
  if (kept) {
    sessionStorage.removeItem(KEPT);
    const { text, tone } = JSON.parse(kept);
    say(text, tone);
  }
}
