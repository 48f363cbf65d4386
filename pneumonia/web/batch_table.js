// Shows one batch: progress, link, table, files. Gradio runs it once, with `element`, `props` and `watch`.
// The token of the batch is in the fragment of the link, which browsers send to no server, and in bodies of POSTs.

const FRAGMENT = /^#batch=([\w-]{20,100})$/;
const POLL_MS = 1000;
const LONGEST_POLL_MS = 15000;
const PAGE_ROWS = 100;

const state = { token: "", rows: new Map(), cursor: 0, sortKey: "number", descending: false, first: 0, timer: 0, polls: 0, expiry: 0 };
const part = (id) => element.querySelector(`#batch-${id}`);
const results = () => element.querySelector(".batch-results");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
const number = (value) => Number(value).toLocaleString(document.documentElement.lang || undefined);

// Requests -----------------------------------------------------------------------------------------------------------

const request = async (action, rows) => {
  const body = JSON.stringify({ token: state.token, cursor: state.cursor, action, rows });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`batch${location.search}`, { method: "POST", headers, body });
  const answer = await response.json().catch(() => ({}));
  return { status: response.status, answer };
};

const poll = async (action = null, rows = null) => {
  clearTimeout(state.timer);
  const poll = ++state.polls;
  let reply;
  try {
    reply = await request(action, rows);
  } catch {
    reply = { status: 0, answer: {} };
  }
  if (poll !== state.polls) return; // a later request, or another batch, has taken its place
  if (reply.status === 200) {
    state.failures = 0;
    showError("");
    receive(reply.answer);
  } else if (reply.status === 404) {
    showMissing(reply.answer.error);
  } else if (reply.status === 409 || reply.status === 503) {
    showError(reply.answer.error ? reply.answer.error.message : "");
    schedule(5 * POLL_MS);
  } else {
    state.failures = (state.failures || 0) + 1;
    showError(results().dataset.textOffline);
    schedule(Math.min(POLL_MS * 2 ** state.failures, LONGEST_POLL_MS));
  }
};

const schedule = (delay) => {
  clearTimeout(state.timer);
  state.timer = setTimeout(poll, delay);
};

const receive = (answer) => {
  state.cursor = answer.cursor;
  for (const row of answer.rows) state.rows.set(row.index, row);
  const isDone = answer.state === "done";
  if (isDone && !answer.has_more) for (const row of state.rows.values()) delete row.isTrying;
  results().hidden = false;
  setHtml(part("progress"), answer.progress);
  part("stop").hidden = isDone;
  part("again").hidden = !isDone || !answer.failed;
  part("make").hidden = !isDone || answer.files.includes("reports.zip") || state.rows.size === answer.failed;
  for (const button of element.querySelectorAll("[data-file]")) button.hidden = !answer.files.includes(button.dataset.file);
  state.isDone = isDone;
  showUntil(answer.expires_at);
  setStart(isDone);
  drawTable();
  if (answer.has_more) schedule(0);
  else if (!isDone) schedule(POLL_MS);
};

// The batch of a token -------------------------------------------------------------------------------------------------

const open = (token) => {
  Object.assign(state, { token, cursor: 0, first: 0, failures: 0, isDone: false });
  state.rows.clear();
  history.replaceState(history.state, "", `${location.pathname}${location.search}#batch=${token}`);
  part("link").value = location.href;
  poll();
};

const showMissing = (error) => {
  clearTimeout(state.timer);
  if (!state.rows.size) results().hidden = true;
  if (FRAGMENT.test(location.hash)) history.replaceState(history.state, "", location.pathname + location.search);
  element.querySelector(".batch-link").hidden = true;
  for (const button of element.querySelectorAll(".batch-buttons button")) button.hidden = true;
  setHtml(part("progress"), "");
  setStart(true);
  showError(state.rows.size ? results().dataset.textExpired : error ? error.message : "");
};

const showUntil = (expiresAt) => {
  clearTimeout(state.expiry);
  const { textUntil, textRunning, minutes } = results().dataset;
  element.querySelector(".batch-link").hidden = false;
  if (!expiresAt) {
    part("until").textContent = fill(textRunning, { minutes });
    return;
  }
  const time = new Date(1000 * expiresAt).toLocaleTimeString(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit" });
  part("until").textContent = fill(textUntil, { time });
  state.expiry = setTimeout(poll, Math.max(1000 * expiresAt - Date.now(), 0) + 2000);
};

const showError = (text) => {
  const alert = part("alert");
  if (alert.textContent !== text) alert.textContent = text;
};
const setHtml = (target, html) => {
  if (target.dataset.html === html) return; // a screen reader announces a change only
  target.dataset.html = html;
  target.innerHTML = html; // rendered by the server, which escapes every value
};
const setStart = (isEnabled) => {
  const start = document.querySelector("#batch-start");
  if (start) start.disabled = !isEnabled;
};

// Table ----------------------------------------------------------------------------------------------------------------

const headers = () => [...element.querySelectorAll("#batch-table th")];

const compare = (first, second) => {
  const key = state.sortKey;
  const [a, b] = [first[key], second[key]];
  const isEmpty = [a, b].map((value) => value === null || value === "");
  if (isEmpty[0] || isEmpty[1]) return isEmpty[0] - isEmpty[1] || first.index - second.index; // at the end, both ways
  const order = typeof a === "number" ? a - b : a.localeCompare(b, document.documentElement.lang || undefined, { numeric: true });
  return (state.descending ? -order : order) || first.index - second.index;
};

const visibleRows = () => {
  const words = part("search").value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...state.rows.values()].filter((row) => {
    const text = [row.answer, row.model, row.age, row.file, row.notes].join(" ").toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
  const failedFirst = part("failed-first").checked;
  return rows.sort((a, b) => (failedFirst ? b.failed - a.failed : 0) || compare(a, b));
};

const drawTable = () => {
  const rows = visibleRows();
  state.first = Math.max(0, Math.min(state.first, Math.floor((rows.length - 1) / PAGE_ROWS) * PAGE_ROWS));
  const page = rows.slice(state.first, state.first + PAGE_ROWS);
  const body = element.querySelector("#batch-table tbody");
  const focused = body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.index : null;
  body.replaceChildren(...page.map(drawRow));
  if (focused !== null) body.querySelector(`tr[data-index="${focused}"] button`)?.focus();
  for (const header of headers()) {
    const isSorted = header.dataset.key === state.sortKey;
    header.setAttribute("aria-sort", isSorted ? (state.descending ? "descending" : "ascending") : "none");
  }
  drawPager(rows.length, page.length);
};

const drawPager = (count, shown) => {
  element.querySelector(".batch-pager").hidden = count <= PAGE_ROWS && count > 0;
  const { textRows, textNone } = results().dataset;
  const values = { first: number(state.first + 1), last: number(state.first + shown), count: number(count) };
  const text = count ? fill(textRows, values) : state.rows.size ? textNone : "";
  if (part("rows").textContent !== text) part("rows").textContent = text;
  part("previous").disabled = !state.first;
  part("next").disabled = state.first + shown >= count;
};

const drawRow = (row) => {
  const line = document.createElement("tr");
  line.setAttribute("role", "row");
  line.dataset.index = row.index;
  line.className = row.label;
  const picture = line.appendChild(cell(""));
  if (row.thumbnail.startsWith("data:image/")) picture.appendChild(Object.assign(new Image(), { src: row.thumbnail, alt: "" }));
  for (const header of headers()) {
    const { key, kind } = header.dataset;
    const column = line.appendChild(cell(row[key] ?? "", key, kind === "number"));
    column.dataset.label = header.textContent;
    if (key === "answer" && row.failed && state.isDone) column.append(" ", againButton(row));
    if (key === "answer" && row.isTrying) column.textContent = results().dataset.textTrying;
  }
  return line;
};

const cell = (text, key = "picture", isNumber = false) => {
  const cell = Object.assign(document.createElement("td"), { textContent: text, className: isNumber ? `cell-${key} number` : `cell-${key}` });
  cell.setAttribute("role", "cell");
  return cell;
};

const againButton = (row) => {
  const { textAgain, textAgainName } = results().dataset;
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: textAgain });
  button.setAttribute("aria-label", fill(textAgainName, { file: row.file }));
  button.addEventListener("click", () => tryAgain([row.index]));
  return button;
};

const tryAgain = (indices) => {
  for (const index of indices) state.rows.get(index).isTrying = true;
  state.isDone = false;
  drawTable();
  poll("again", indices);
};

// Controls -------------------------------------------------------------------------------------------------------------

element.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const header = button.closest("th");
  if (header) sortBy(header);
  if (button.id === "batch-stop") poll("stop");
  if (button.id === "batch-make") poll("reports");
  if (button.id === "batch-again") tryAgain([...state.rows.values()].filter((row) => row.failed).map((row) => row.index));
  if (button.id === "batch-copy") copyLink(button);
  if (button.id === "batch-previous") turnPage(-PAGE_ROWS);
  if (button.id === "batch-next") turnPage(PAGE_ROWS);
  if (button.dataset.file) download(button.dataset.file);
});
element.addEventListener("input", ({ target }) => {
  if (target.id === "batch-search" || target.id === "batch-failed-first") {
    state.first = 0;
    drawTable();
  }
});
element.addEventListener("focusin", ({ target }) => target.id === "batch-link" && target.select());

const sortBy = (header) => {
  const isSorted = header.dataset.key === state.sortKey;
  Object.assign(state, { sortKey: header.dataset.key, descending: isSorted && !state.descending, first: 0 });
  drawTable();
};

const turnPage = (rows) => {
  state.first += rows;
  drawTable();
  element.querySelector(".batch-scroll").scrollIntoView({ block: "nearest" });
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
  form.action = `batch/${name}${location.search}`;
  form.elements.token.value = state.token;
  form.submit();
};

// A new batch, or the error why there is none --------------------------------------------------------------------------

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
openFromFragment();
