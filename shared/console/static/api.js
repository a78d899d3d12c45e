// Calls of the JSON routes on this origin. The server's own words become the error.

const SECONDS = 60;

export class Refused extends Error {
  constructor(status, code, message, body, retryAfter) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

export async function call(method, url, body, headers = {}) {
  let response;
  try {
    response = await fetch(url, {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(SECONDS * 1000),
    });
  } catch (error) {
    throw new Refused(0, "unreachable", "The server did not answer. Check the connection and try again.");
  }
  if (response.status === 304) return { status: 304, body: null, headers: response.headers };
  const text = await response.text();
  const answer = text && response.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : null;
  if (!response.ok) {
    if (response.status === 401) {
      const here = location.pathname + location.search;
      location.assign(`/sign-in?next=${encodeURIComponent(here)}`);
    }
    const said = answer?.error?.message ?? `The server answered ${response.status}. Try again.`;
    throw new Refused(response.status, answer?.error?.code, said[0].toUpperCase() + said.slice(1), answer, Number(response.headers.get("Retry-After")));
  }
  return { status: response.status, body: answer, headers: response.headers };
}
