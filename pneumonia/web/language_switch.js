() => {
  // Another language loads the page again (`templates/language.html`). The film stays on the server; its token, which is
  // valid once, passes through this tab's storage.
  const PATIENCE_MS = 20000; // for the answer of a busy server; then the page loads without the film
  document.addEventListener("languagechosen", (event) => {
    const keep = document.querySelector("#keep-film");
    if (!keep || !document.querySelector("#headline .answer:not(.waiting):not(.failed)")) return;
    event.preventDefault();
    document.addEventListener("filmkept", event.detail.open, { once: true });
    setTimeout(event.detail.open, PATIENCE_MS);
    keep.click();
  });

  const isKept = () => {
    try {
      return Boolean(sessionStorage.getItem("kept-film"));
    } catch {
      return false; // storage is blocked
    }
  };
  const restore = (attempts) => { // Gradio has built the button, unless the computer is busy
    const button = document.querySelector("#restore-film");
    if (button) button.click();
    else if (attempts > 0) setTimeout(() => restore(attempts - 1), 50);
  };
  if (isKept()) restore(1200);
}
