// Follows one job of the server (a batch, a validation): progress, link, deletion, downloads. It is the first part of the
// script of a `gr.HTML` component, with `element`, `props` and `watch`. Its element has the kind of job in `data-job`.
// The token of the job is in the fragment of the link, which browsers send to no server, and in bodies of POSTs.

const POLL_MS = 1000;
const LONGEST_POLL_MS = 15000;

const kind = element.querySelector("[data-job]").dataset.job; // also the path of its routes
const part = (id) => element.querySelector(`#${kind}-${id}`);
const results = () => element.querySelector(".job-results");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
const setHtml = (target, html) => {
  if (target.dataset.html === html) return; // a screen reader announces a change only
  target.dataset.html = html;
  target.innerHTML = html; // rendered by the server, which escapes every value
};

// `receive` shows an answer of the server, `clear` forgets the former job, `hasResults` says whether results are shown.
const followJob = ({ receive, clear, hasResults }) => {
  const FRAGMENT = new RegExp(`^#${kind}=([\\w-]{20,100})$`);
  const state = { token: "", cursor: 0, timer: 0, polls: 0, expiry: 0, failures: 0 };

  // Requests ---------------------------------------------------------------------------------------------------------

  const request = async (action, rows) => {
    const body = JSON.stringify({ token: state.token, cursor: state.cursor, action, rows });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`${kind}${location.search}`, { method: "POST", headers, body });
    const answer = await response.json().catch(() => ({}));
    return { status: response.status, answer };
  };

  const ask = async (action = null, rows = null) => {
    clearTimeout(state.timer);
    const poll = ++state.polls;
    let reply;
    try {
      reply = await request(action, rows);
    } catch {
      reply = { status: 0, answer: {} };
    }
    if (poll !== state.polls) return; // a later request, or another job, has taken its place
    if (reply.status === 200) {
      state.failures = 0;
      showError("");
      show(reply.answer);
    } else if (reply.status === 404) {
      showMissing(reply.answer.error);
    } else if (reply.status === 409 || reply.status === 503) {
      showError(reply.answer.error ? reply.answer.error.message : "");
      schedule(5 * POLL_MS);
    } else {
      state.failures += 1;
      showError(results().dataset.textOffline);
      schedule(Math.min(POLL_MS * 2 ** state.failures, LONGEST_POLL_MS));
    }
  };

  const schedule = (delay) => {
    clearTimeout(state.timer);
    state.timer = setTimeout(ask, delay);
  };

  // Display ----------------------------------------------------------------------------------------------------------

  const show = (answer) => {
    state.cursor = answer.cursor;
    const isDone = answer.state === "done";
    results().hidden = false;
    setHtml(part("progress"), answer.progress);
    part("stop").hidden = isDone;
    for (const button of element.querySelectorAll("[data-file]")) button.hidden = !answer.files.includes(button.dataset.file);
    showUntil(answer.expires_at);
    setStart(isDone);
    receive(answer);
    if (answer.has_more) schedule(0);
    else if (!isDone) schedule(POLL_MS);
  };

  const showMissing = (error) => {
    clearTimeout(state.timer);
    if (!hasResults()) results().hidden = true;
    if (FRAGMENT.test(location.hash)) history.replaceState(history.state, "", location.pathname + location.search);
    element.querySelector(".job-link").hidden = true;
    for (const button of element.querySelectorAll(".job-buttons button")) button.hidden = true;
    setHtml(part("progress"), "");
    setStart(true);
    showError(hasResults() ? results().dataset.textExpired : error ? error.message : "");
  };

  const showUntil = (expiresAt) => {
    clearTimeout(state.expiry);
    const { textUntil, textRunning, minutes } = results().dataset;
    element.querySelector(".job-link").hidden = false;
    if (!expiresAt) {
      part("until").textContent = fill(textRunning, { minutes });
      return;
    }
    const time = new Date(1000 * expiresAt).toLocaleTimeString(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit" });
    part("until").textContent = fill(textUntil, { time });
    state.expiry = setTimeout(ask, Math.max(1000 * expiresAt - Date.now(), 0) + 2000);
  };

  const showError = (text) => {
    const alert = part("alert");
    if (alert.textContent !== text) alert.textContent = text;
  };
  const setStart = (isEnabled) => {
    const start = document.querySelector(`#${kind}-start`);
    if (start) start.disabled = !isEnabled;
  };

  // Link and files ---------------------------------------------------------------------------------------------------

  const open = (token) => {
    Object.assign(state, { token, cursor: 0, failures: 0 });
    clear();
    history.replaceState(history.state, "", `${location.pathname}${location.search}#${kind}=${token}`);
    part("link").value = location.href;
    ask();
  };

  const copyLink = async (button) => {
    const link = part("link");
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
    } catch {
      document.execCommand("copy"); // without HTTPS, browsers have no clipboard interface
    }
    const text = (button.dataset.text ||= button.textContent);
    button.textContent = results().dataset.textCopied;
    setTimeout(() => (button.textContent = text), 2000);
  };

  // A form, because the browser then writes a large file to the disk while it arrives, and the address has no token.
  const download = (name) => {
    const form = element.querySelector("form");
    form.action = `${kind}/${name}${location.search}`;
    form.elements.token.value = state.token;
    form.submit();
  };

  element.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button === part("stop")) ask("stop");
    if (button === part("copy")) copyLink(button);
    if (button.dataset.file) download(button.dataset.file);
  });
  element.addEventListener("focusin", ({ target }) => target === part("link") && target.select());

  // A new job, or the error why there is none.
  watch("value", () => {
    const { token, error } = props.value || {};
    if (error) {
      setHtml(part("alert"), error);
      part("alert").dataset.html = "";
    } else if (token && token !== state.token) open(token);
  });

  // `deep_links.js` has opened the tab, which is when Gradio runs this script.
  const openFromFragment = () => {
    const match = FRAGMENT.exec(location.hash);
    if (match && match[1] !== state.token) open(match[1]);
  };
  window.addEventListener("hashchange", openFromFragment);
  return { ask, openFromFragment };
};
