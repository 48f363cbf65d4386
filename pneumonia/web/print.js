() => {
  // A print is light, has the date, and all sections of the evidence. Afterwards the page is as it was.
  let restore = [];

  const writeDate = () => {
    const head = document.querySelector(".head");
    if (!head) return;
    const date = head.querySelector(".print-date") || head.appendChild(document.createElement("p"));
    date.className = "print-date";
    const language = document.documentElement.lang || undefined;
    date.textContent = new Date().toLocaleString(language, { dateStyle: "long", timeStyle: "short" });
  };

  addEventListener("beforeprint", () => {
    writeDate();
    if (document.body.classList.contains("dark")) {
      document.body.classList.remove("dark");
      restore.push(() => document.body.classList.add("dark"));
    }
    for (const section of document.querySelectorAll("details.evidence-section:not([open])")) {
      section.open = true;
      restore.push(() => (section.open = false));
    }
  });
  addEventListener("afterprint", () => {
    for (const undo of restore) undo();
    restore = [];
  });
}
