() => {
  // A film is read one after the other, and the answer to one never appears as that to another. So from the moment that a
  // file is chosen the former answer is hidden, and a file that is chosen while another one is read waits for its turn.
  const layout = () => document.querySelector("#film-layout");
  const note = () => document.querySelector("#sending [data-max-bytes]");
  const input = () => document.querySelector("#film input[type=file]");
  const isShown = () => Boolean(layout() && layout().offsetParent);
  const isReading = () => Boolean(document.querySelector("#headline .answer.waiting[role=status]"));
  const accepts = () => Boolean(input()) && !isReading();

  let next = null; // starts the film that waits for its turn
  let isHandingOver = false; // events that this script dispatches are not for itself
  let wasUploading = false;

  // States: "" (the answer is shown), "sending", "queued", and the errors "several", "large", "failed".
  const state = () => layout().dataset.sending || "";
  const setState = (name, text = "") => {
    if (name) layout().dataset.sending = name;
    else delete layout().dataset.sending;
    note().querySelector("[role=status]").textContent = name ? note().dataset[name].replace("{size}", text) : "";
    note().classList.toggle("refused", ["several", "large", "failed"].includes(name));
  };

  const handOver = (action) => {
    isHandingOver = true;
    try {
      action();
    } finally {
      isHandingOver = false;
    }
  };
  const send = (file) => {
    wasUploading = false;
    setState("sending");
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input().files = transfer.files;
    handOver(() => input().dispatchEvent(new Event("change", { bubbles: true })));
  };
  const start = (action) => {
    if (accepts() && !["sending", "queued"].includes(state())) return action();
    next = action;
    setState("queued");
  };
  const accept = (files) => {
    const [file] = files;
    next = null;
    if (files.length > 1) return setState("several");
    if (file.size > Number(note().dataset.maxBytes)) return setState("large", (file.size / 1e6).toFixed(1));
    start(() => send(file));
  };

  const accepted = (event, files) => {
    if (isHandingOver || !files || !files.length || !isShown()) return false;
    const list = [...files];
    event.preventDefault();
    event.stopImmediatePropagation();
    // Without files, so that the drop zone shows no more that something is dragged over it.
    if (event.type === "drop") {
      const end = new DragEvent("drop", { dataTransfer: new DataTransfer(), bubbles: true, cancelable: true });
      handOver(() => event.target.dispatchEvent(end));
    }
    accept(list);
    return true;
  };
  // In the capture phase, before the drop zone of Gradio, which would read the first of several files.
  addEventListener("drop", (event) => accepted(event, event.dataTransfer && event.dataTransfer.files), true);
  addEventListener("paste", (event) => accepted(event, event.clipboardData && event.clipboardData.files), true);
  addEventListener("change", (event) => event.target === input() && accepted(event, event.target.files), true);
  addEventListener(
    "click",
    (event) => {
      const button = event.target.closest && event.target.closest("#examples button");
      if (isHandingOver || !button) return;
      event.stopImmediatePropagation();
      if (event.detail > 1) return; // the second click of a double click
      next = null;
      start(() => {
        setState("queued");
        layout().scrollIntoView({ block: "start" }); // after an answer the examples stand below it
        handOver(() => button.click());
      });
    },
    true,
  );
  // Elsewhere on the page, the browser would leave the page and show the file.
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => event.preventDefault());

  let early = window.takeEarlyFiles?.(); // dropped, pasted or chosen before this script (`templates/early_files.html`)
  const update = () => {
    if (!layout() || !note()) return;
    if (early) {
      const files = early;
      early = null;
      accept(files);
    }
    if (state() === "sending" && !input()) wasUploading = true;
    if (next) {
      if (!accepts()) return;
      const action = next;
      next = null;
      action();
    } else if (["sending", "queued"].includes(state()) && isReading()) {
      setState(""); // the page itself has cleared the former answer
    } else if (state() === "sending" && wasUploading && input()) {
      setState("failed"); // the upload ended without a film
    }
  };
  new MutationObserver(update).observe(document.body, { childList: true, subtree: true });
  update();
}
