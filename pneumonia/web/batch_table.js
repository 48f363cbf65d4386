// Shows the table of one batch, which `followed_job.js` follows: both are one script. Gradio runs it once, with `element`,
// `props` and `watch`.

const PAGE_ROWS = 100;

const table = { rows: new Map(), sortKey: "number", descending: false, first: 0, isDone: false };
const number = (value) => Number(value).toLocaleString(document.documentElement.lang || undefined);

const receive = (answer) => {
  for (const row of answer.rows) table.rows.set(row.index, row);
  const isDone = answer.state === "done";
  if (isDone && !answer.has_more) for (const row of table.rows.values()) delete row.isTrying;
  part("again").hidden = !isDone || !answer.failed;
  part("make").hidden = !isDone || answer.files.includes("reports.zip") || table.rows.size === answer.failed;
  table.isDone = isDone;
  drawTable();
};

const clearTable = () => {
  Object.assign(table, { first: 0, isDone: false });
  table.rows.clear();
};

const job = followJob({ receive, clear: clearTable, hasResults: () => table.rows.size > 0 });

// Table ----------------------------------------------------------------------------------------------------------------

const headers = () => [...element.querySelectorAll("#batch-table th")];

const compare = (first, second) => {
  const key = table.sortKey;
  const [a, b] = [first[key], second[key]];
  const isEmpty = [a, b].map((value) => value === null || value === "");
  if (isEmpty[0] || isEmpty[1]) return isEmpty[0] - isEmpty[1] || first.index - second.index; // at the end, both ways
  const order = typeof a === "number" ? a - b : a.localeCompare(b, document.documentElement.lang || undefined, { numeric: true });
  return (table.descending ? -order : order) || first.index - second.index;
};

const visibleRows = () => {
  const words = part("search").value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...table.rows.values()].filter((row) => {
    const text = [row.answer, row.model, row.age, row.file, row.notes].join(" ").toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
  const failedFirst = part("failed-first").checked;
  return rows.sort((a, b) => (failedFirst ? b.failed - a.failed : 0) || compare(a, b));
};

const drawTable = () => {
  const rows = visibleRows();
  table.first = Math.max(0, Math.min(table.first, Math.floor((rows.length - 1) / PAGE_ROWS) * PAGE_ROWS));
  const page = rows.slice(table.first, table.first + PAGE_ROWS);
  const body = element.querySelector("#batch-table tbody");
  const focused = body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.index : null;
  body.replaceChildren(...page.map(drawRow));
  if (focused !== null) body.querySelector(`tr[data-index="${focused}"] button`)?.focus();
  for (const header of headers()) {
    const isSorted = header.dataset.key === table.sortKey;
    header.setAttribute("aria-sort", isSorted ? (table.descending ? "descending" : "ascending") : "none");
  }
  drawPager(rows.length, page.length);
};

const drawPager = (count, shown) => {
  element.querySelector(".batch-pager").hidden = count <= PAGE_ROWS && count > 0;
  const { textRows, textNone } = results().dataset;
  const values = { first: number(table.first + 1), last: number(table.first + shown), count: number(count) };
  const text = count ? fill(textRows, values) : table.rows.size ? textNone : "";
  if (part("rows").textContent !== text) part("rows").textContent = text;
  part("previous").disabled = !table.first;
  part("next").disabled = table.first + shown >= count;
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
    if (key === "answer" && row.failed && table.isDone) column.append(" ", againButton(row));
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
  for (const index of indices) table.rows.get(index).isTrying = true;
  table.isDone = false;
  drawTable();
  job.ask("again", indices);
};

// Controls -------------------------------------------------------------------------------------------------------------

element.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const header = button.closest("th");
  if (header) sortBy(header);
  if (button.id === "batch-make") job.ask("reports");
  if (button.id === "batch-again") tryAgain([...table.rows.values()].filter((row) => row.failed).map((row) => row.index));
  if (button.id === "batch-previous") turnPage(-PAGE_ROWS);
  if (button.id === "batch-next") turnPage(PAGE_ROWS);
});
element.addEventListener("input", ({ target }) => {
  if (target.id === "batch-search" || target.id === "batch-failed-first") {
    table.first = 0;
    drawTable();
  }
});

const sortBy = (header) => {
  const isSorted = header.dataset.key === table.sortKey;
  Object.assign(table, { sortKey: header.dataset.key, descending: isSorted && !table.descending, first: 0 });
  drawTable();
};

const turnPage = (rows) => {
  table.first += rows;
  drawTable();
  element.querySelector(".batch-scroll").scrollIntoView({ block: "nearest" });
};

job.openFromFragment();
