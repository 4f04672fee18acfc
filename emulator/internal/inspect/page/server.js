// The inspector's token is in the fragment of the URL that the emulator prints. It is kept
// for this tab, and taken from the address bar, so that nobody sees it on a shared screen.
export const token = (() => {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return given ?? sessionStorage.getItem("token") ?? "";
})();

// Refused is an answer that is not 2xx.
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// request asks the server and returns its answer.
export async function request(path, { json, ...options } = {}) {
  const headers = { "Inspector-Token": token, ...options.headers };
  if (json !== undefined) Object.assign(options, { method: "POST", body: JSON.stringify(json) }), headers["Content-Type"] ??= "application/json";
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.ok) return answer;
  const text = await answer.text();
  let message = text || answer.statusText;
  try {
    message = JSON.parse(text).error ?? message;
  } catch {
    // it is no JSON
  }
  throw new Refused(answer.status, message);
}

export const act = async (action, json) => (await request(`actions/${action}`, { json })).json();

export const state = async parameters => (await request(`state?${new URLSearchParams(parameters)}`)).json();
