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

export function keep(text) {
  sessionStorage.setItem(KEPT, text);
}

export function showKept() {
  const text = sessionStorage.getItem(KEPT);
  if (text) {
    sessionStorage.removeItem(KEPT);
    say(text);
  }
}
