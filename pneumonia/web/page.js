() => {
  const filmInput = () => {
    const input = document.querySelector("#film input[type=file]");
    return input && input.closest("#film").offsetParent ? input : null;
  };

  // A picture from the clipboard, or dropped beside the drop zone, goes the way of a dropped file.
  const take = (files) => {
    const input = filmInput();
    if (!files || !files.length || !input) return false;
    const transfer = new DataTransfer();
    transfer.items.add(files[0]);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  };
  document.addEventListener("paste", (event) => take(event.clipboardData && event.clipboardData.files));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault(); // or the browser would leave the page for the film
    take(event.dataTransfer && event.dataTransfer.files);
  });

  // Sliders that cost no request: the map's opacity, and the threshold of the confusion matrix.
  document.addEventListener("input", ({ target }) => {
    if (target.id === "opacity") fade(target);
    if (target.id === "threshold") cut(target.closest(".thresholds"));
  });
  const fade = (slider) => {
    slider.setAttribute("aria-valuetext", `${slider.value} percent`);
    document.querySelector("#stage").style.setProperty("--opacity", slider.value / 100);
  };
  const percent = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "-");
  const cut = (section) => {
    const { threshold, true_positive, false_positive, ill, well } = JSON.parse(section.dataset.curve);
    const at = Number(section.querySelector("#threshold").value);
    const found = true_positive[at];
    const cleared = well - false_positive[at];
    const said = {
      threshold: threshold[at].toFixed(2),
      true_positive: found,
      false_negative: ill - found,
      false_positive: false_positive[at],
      true_negative: cleared,
      sensitivity: percent(found, ill),
      specificity: percent(cleared, well),
      accuracy: percent(found + cleared, ill + well),
    };
    for (const [name, text] of Object.entries(said)) section.querySelector(`[data-cell=${name}]`).textContent = text;
    section.querySelector("#threshold").setAttribute("aria-valuetext", `threshold ${said.threshold}`);
  };

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.threshold) {
      const section = button.closest(".thresholds");
      section.querySelector("#threshold").value = button.dataset.threshold;
      cut(section);
    }
    if (button.id === "enlarge") {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.querySelector("#stage").requestFullscreen();
    }
    if (button.id === "scheme") setScheme(document.body.classList.contains("dark") ? "light" : "dark");
  });

  // Dark or light as the screen is set, until someone chooses; the choice stays in this browser.
  const setScheme = (scheme) => {
    document.body.classList.toggle("dark", scheme === "dark");
    localStorage.setItem("scheme", scheme);
  };
  const chosen = localStorage.getItem("scheme");
  if (chosen) setScheme(chosen);
}
