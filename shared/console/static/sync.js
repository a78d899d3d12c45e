// The overview: syncs that are started and followed. The org's status is asked for with its ETag, so
// that a look costs next to nothing while nothing changes; a run that has not begun is asked for itself.
// A decision on another page that has started a run leads here with #run=.

import { call, Refused } from "./api.js";
import { confirmed } from "./dialogs.js";
import { keep, say } from "./messages.js";
import { agoText } from "./times.js";
import { counted } from "./words.js";

const FOLLOWING_MS = 1_000;
const IDLE_MS = 15_000;
const STATUS_MS = 5_000;
const panel = document.getElementById("progress");
const { org } = panel.dataset;
const statusUrl = `/api/orgs/${org}/status`;
const COUNTS = ["requests", "fetched", "created", "updated", "unchanged"];
const LABELS = ["Pages and calls", "Fetched", "New", "Changed", "Unchanged"];
let followed = panel.dataset.run ?? null;
let etag = null;
let last = null;
let timer = null;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sync]");
  if (button && button.getAttribute("aria-busy") !== "true") start(button);
});
const begun = /^#run=([\w.:-]+)$/.exec(location.hash)?.[1];
if (begun) {
  history.replaceState(null, "", location.pathname + location.search);
  follow(begun);
} else {
  schedule();
}

async function start(button) {
  const { sync, confirm } = button.dataset;
  const asked = JSON.parse(sync);
  if (confirm && !(await confirmed(confirm, button.textContent.trim()))) return;
  button.setAttribute("aria-busy", "true");
  try {
    const { body } = await call("POST", "/api/pos/sync", { orgId: org, ...asked });
    if (asked.dryRun) {
      location.assign(`/orgs/${org}/reports/${body.runId}`);
      return;
    }
    follow(body.runId);
    say("The sync was started.");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 409 && error.body?.runId) {
      follow(error.body.runId);
      say("A sync of this org is under way already: here is how far it has come.");
    } else if (error.status === 429) {
      say(`${error.message}. ${againIn(error.retryAfter)}`, "bad");
    } else {
      say(error.message, "bad");
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function againIn(seconds) {
  if (!seconds) return "Try again later.";
  return `Try again in ${counted(Math.ceil(seconds / 60), "minutes")}.`;
}

function follow(runId) {
  followed = runId;
  panel.hidden = false;
  panel.querySelector("[data-told]").textContent = "Waiting for its turn";
  schedule(0);
}

function schedule(after = followed ? FOLLOWING_MS : IDLE_MS) {
  clearTimeout(timer);
  timer = setTimeout(look, after);
}

async function look() {
  if (!document.hidden || followed) {
    try {
      await lookOnce();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  schedule();
}

async function lookOnce() {
  const answer = await call("GET", statusUrl, undefined, etag ? { "If-None-Match": etag } : {});
  if (answer.status !== 304) {
    etag = answer.headers.get("ETag");
    last = answer.body;
  }
  const { running } = last;
  if (running) {
    followed ??= running.runId;
    panel.hidden = false;
    show(running);
  }
  if (followed && running?.runId !== followed) {
    const { body } = await call("GET", `/api/pos/sync/${followed}?orgId=${org}`);
    if (body.endedAt && (knows(last, body) || Date.now() > Date.parse(body.endedAt) + STATUS_MS)) ended(body);
  } else if (!followed && panel.dataset.seen !== seen(last)) {
    location.reload();
  }
}

// The server may answer with a status that is a second old: shown anew, the page would lack this run.
const knows = ({ lastSyncAt }, { endedAt }) => lastSyncAt && Date.parse(lastSyncAt) >= Date.parse(endedAt);

// An org that was synced since, by anybody, is shown anew; to the second, as the page has it.
const seen = ({ lastSyncAt, state }) => `${lastSyncAt ? Math.floor(Date.parse(lastSyncAt) / 1000) : ""} ${state}`;

function show({ startedAt, progress }) {
  const streams = Object.entries(progress).sort(([one], [other]) => one.localeCompare(other));
  const fetched = streams.reduce((sum, [, counts]) => sum + counts.fetched, 0);
  const bar = panel.querySelector("progress");
  const expected = Number(panel.dataset.expected);
  if (expected && fetched) {
    bar.max = Math.max(expected, fetched);
    bar.value = fetched;
  }
  panel.querySelector("[data-told]").textContent =
    `Begun ${agoText(Date.now() - Date.parse(startedAt))}${fetched ? `, ${counted(fetched, "records")} fetched so far` : ""}`;
  document.querySelector("#progress-rows tbody").replaceChildren(...streams.map(([name, counts]) => {
    const row = document.createElement("tr");
    row.append(cell("Kind", name[0].toUpperCase() + name.slice(1)));
    COUNTS.forEach((count, index) => row.append(cell(LABELS[index], (counts[count] ?? 0).toLocaleString("en-US"), "num")));
    return row;
  }));
}

function cell(label, text, className = "") {
  const found = Object.assign(document.createElement("td"), { textContent: text, className });
  found.dataset.label = label;
  return found;
}

function ended(run) {
  const sum = (name) => Object.values(run.streams).reduce((all, counts) => all + counts[name], 0).toLocaleString("en-US");
  const done = `${sum("created")} new, ${sum("updated")} changed, ${sum("deleted")} removed`;
  const good = run.state === "succeeded";
  const how = {
    succeeded: `The sync has ended: ${done}.`,
    held: `The sync has ended: ${done}. Removals wait for a decision.`,
    partial: `The sync has ended, but not all of it could be done: ${done}.`,
  }[run.state] ?? `The sync has failed. ${run.error?.message ?? ""}`;
  keep(how.trim(), good ? "good" : "bad");
  location.reload();
}
