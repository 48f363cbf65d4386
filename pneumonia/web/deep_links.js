() => {
  // Links to a part of the page: `#batch=TOKEN`, `#validation=TOKEN`, and the sections of the evidence. Gradio builds a tab when it is opened.
  const WAIT_MS = 60000; // a busy computer takes long to build it

  const openTab = (name) => {
    const button = document.querySelector(`#${name}-button`);
    if (button && button.getAttribute("aria-selected") !== "true") button.click();
  };

  const whenPresent = (id, use) => {
    const element = document.getElementById(id);
    if (element) return use(element);
    const observer = new MutationObserver(() => {
      const added = document.getElementById(id);
      if (!added) return;
      observer.disconnect();
      requestAnimationFrame(() => use(added));
    });
    observer.observe(document.body, { childList: true, subtree: true });
    setTimeout(() => observer.disconnect(), WAIT_MS);
  };

  const follow = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    if (id.startsWith("batch=")) openTab("batch-tab");
    else if (id.startsWith("validation=")) openTab("validation-tab");
    else if (id.startsWith("evidence")) {
      openTab("evidence-tab");
      whenPresent(id, showSection);
    }
  };

  // Evidence -----------------------------------------------------------------------------------------------------------

  const showSection = (section) => {
    const population = section.closest("[data-population]");
    if (population) choosePopulation(population.dataset.population);
    if (section instanceof HTMLDetailsElement) section.open = true;
    section.scrollIntoView();
    section.querySelector("summary")?.focus({ preventScroll: true });
  };

  const choosePopulation = (name) => {
    for (const part of document.querySelectorAll("#evidence [data-population]")) {
      part.hidden = part.dataset.population !== name;
    }
    for (const input of document.querySelectorAll("#evidence input[name=evidence-population]")) {
      input.checked = input.value === name;
    }
  };

  const sectionsOf = (part) => [...part.querySelectorAll("details.evidence-section")];

  document.addEventListener("change", ({ target }) => {
    if (target.name === "evidence-population") choosePopulation(target.value);
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("#evidence button[data-open-all]");
    if (!button) return;
    const sections = sectionsOf(button.closest("[data-population], #evidence"));
    const open = sections.some((section) => !section.open);
    for (const section of sections) section.open = open;
    button.textContent = open ? button.dataset.textClose : button.dataset.textOpen;
  });

  addEventListener("hashchange", follow);
  follow();
}
