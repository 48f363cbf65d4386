() => {
  // Two sliders work in the browser, without a request: opacity of the map, threshold of the confusion matrix.
  document.addEventListener("input", ({ target }) => {
    if (target.id === "opacity") setMapOpacity(target);
    if (target.matches(".thresholds input")) updateMatrix(target.closest(".thresholds"));
  });
  const setMapOpacity = (slider) => {
    slider.setAttribute("aria-valuetext", `${slider.value} percent`);
    document.querySelector("#viewer").style.setProperty("--opacity", slider.value / 100);
  };
  const percent = (count, total) => (total ? `${((100 * count) / total).toFixed(1)} %` : "-");
  const updateMatrix = (section) => {
    const { threshold, true_positive, false_positive, positives, negatives } = JSON.parse(section.dataset.curve);
    const index = Number(section.querySelector("input").value);
    const truePositives = true_positive[index];
    const trueNegatives = negatives - false_positive[index];
    const cells = {
      threshold: threshold[index].toFixed(2),
      true_positive: truePositives,
      false_negative: positives - truePositives,
      false_positive: false_positive[index],
      true_negative: trueNegatives,
      sensitivity: percent(truePositives, positives),
      specificity: percent(trueNegatives, negatives),
      accuracy: percent(truePositives + trueNegatives, positives + negatives),
    };
    for (const [name, text] of Object.entries(cells)) section.querySelector(`[data-cell=${name}]`).textContent = text;
    section.querySelector("input").setAttribute("aria-valuetext", `threshold ${cells.threshold}`);
  };

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.threshold) {
      const section = button.closest(".thresholds");
      section.querySelector("input").value = button.dataset.threshold;
      updateMatrix(section);
    }
    if (button.id === "full-screen") {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.querySelector("#viewer").requestFullscreen();
    }
    if (button.id === "scheme") setScheme(document.body.classList.contains("dark") ? "light" : "dark");
  });

  // The colour scheme (dark or light) is that of the system until the user chooses one, which this browser stores.
  const setScheme = (scheme) => {
    document.body.classList.toggle("dark", scheme === "dark");
    localStorage.setItem("scheme", scheme);
  };
  const storedScheme = localStorage.getItem("scheme");
  if (storedScheme) setScheme(storedScheme);
}
