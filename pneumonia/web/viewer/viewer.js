// The film viewer: state, buttons and keys. Loaded by the page with the first film.
import { CanvasRenderer } from "./canvas_renderer.js";
import { Geometry } from "./geometry.js";
import { connectGestures } from "./gestures.js";
import { loadLevels } from "./loading.js";
import { Overlay } from "./overlay.js";
import { Readout } from "./readout.js";
import { WebGLRenderer } from "./webgl_renderer.js";
import { WindowLevel } from "./window_level.js";

const ZOOM_STEP = 1.25;
const PAN_STEP = 60; // CSS pixels for an arrow key
const WINDOW_STEP = 0.02; // share of the full range for an arrow key

class Viewer {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector(".stage");
    this.film = root.querySelector(".stage > .film");
    this.overlay = new Overlay(root.querySelector(".stage > .overlay"));
    this.texts = JSON.parse(root.dataset.texts);
    this.readout = new Readout(root, this.texts);
    this.view = null;
    this.request = 0;
    this.connect();
  }

  // Film ------------------------------------------------------------------------------------------------------------

  async show(view, url) {
    this.request += 1;
    const { request } = this;
    if (!view) return this.clear();
    if (this.view && this.view.film === view.film) return this.update(view);
    this.clear();
    let levels;
    try {
      levels = await loadLevels(new URL(url, document.baseURI).href, view);
    } catch (error) {
      if (request === this.request) this.root.dataset.state = "failed"; // the preview stays
      console.warn(`The viewer cannot read the film: ${error}`);
      return undefined;
    }
    if (request !== this.request) return undefined; // another film was dropped meanwhile
    this.view = view;
    this.levels = levels;
    this.geometry = new Geometry(view.width, view.height);
    this.windowLevel = new WindowLevel(view);
    this.startRenderer();
    this.fillPresets();
    this.reset();
    this.root.hidden = false;
    this.resume();
    return undefined;
  }

  update(view) {
    const { zones, zonesNote, sides, sidesNote, model } = view;
    this.view = { ...this.view, zones, zonesNote, sides, sidesNote, model };
    this.resume();
  }

  // The page clears the preview when another film is dropped, or the same one is read again: until the answer, the viewer
  // shows no film, so that an earlier one never stands beside a new answer.
  suspend() {
    if (!this.view) return;
    this.request += 1;
    this.root.dataset.state = "waiting";
    this.setDisabled(true);
    this.hidePreview(false);
  }

  resume() {
    this.root.dataset.state = "ready";
    this.setDisabled(false);
    this.hidePreview(true);
    this.resize();
    this.drawNow();
  }

  clear() {
    this.view = null;
    this.levels = null;
    if (this.renderer) this.renderer.dispose();
    this.renderer = null;
    this.overlay.cross = null;
    this.root.dataset.state = "empty";
    this.setDisabled(true);
    this.hidePreview(false);
  }

  startRenderer() {
    if (this.renderer) this.renderer.dispose();
    const choice = this.root.dataset.renderer || "";
    try {
      if (choice === "canvas" || this.film.dataset.context === "2d") throw new Error("chosen");
      this.renderer = new WebGLRenderer(this.film, this.levels, { allowsSoftware: choice === "webgl" });
      this.film.dataset.context = "webgl2";
    } catch {
      this.replaceCanvas(); // it may have a context of WebGL2 that is too slow
      this.renderer = new CanvasRenderer(this.film, this.levels);
      this.film.dataset.context = "2d";
    }
    this.root.dataset.drawnBy = this.renderer.name;
    this.film.addEventListener("webglcontextlost", () => {
      if (this.renderer && this.renderer.name === "webgl") this.fallBack();
    }, { once: true });
  }

  // A canvas has one kind of context for its life.
  replaceCanvas() {
    const canvas = this.film.cloneNode();
    delete canvas.dataset.context;
    this.film.replaceWith(canvas);
    this.film = canvas;
  }

  fallBack() {
    this.replaceCanvas();
    this.renderer = new CanvasRenderer(this.film, this.levels);
    this.film.dataset.context = "2d";
    this.root.dataset.drawnBy = this.renderer.name;
    this.resize();
  }

  hidePreview(isHidden) {
    for (const preview of document.querySelectorAll("#film-image, #activation-map")) {
      preview.toggleAttribute("inert", isHidden);
      preview.setAttribute("aria-hidden", String(isHidden));
    }
  }

  setMap(url) {
    this.mapUrl = url;
    if (!url) {
      this.overlay.map = null;
      this.showMapSlider(false);
      this.invalidate();
      return;
    }
    const map = new Image();
    map.onload = () => {
      if (this.mapUrl !== url) return;
      this.overlay.map = map;
      this.showMapSlider(true);
      this.invalidate();
    };
    map.src = url;
  }

  showMapSlider(isShown) {
    const bar = this.root.querySelector(".map-bar");
    bar.hidden = !isShown;
    const slider = document.querySelector("#opacity");
    if (isShown && slider) this.setOpacity(slider.value);
  }

  setOpacity(percent) {
    this.overlay.opacity = percent / 100;
    const own = this.root.querySelector(".map-bar input");
    own.value = percent;
    own.setAttribute("aria-valuetext", `${percent} %`);
    this.invalidate();
  }

  // Actions ---------------------------------------------------------------------------------------------------------

  reset() {
    this.geometry.reset();
    this.windowLevel.reset();
    this.windowLevel.invert(Boolean(this.view.model && this.view.model.isInverted));
    this.overlay.cross = null;
    this.overlay.showsZones = false;
    this.showModel(false);
    this.invalidate();
  }

  showModel(isShown) {
    const { overlay, view } = this;
    if (isShown && view.model) {
      this.windowLevel.choose("file");
      this.windowLevel.invert(view.model.isInverted);
      this.root.querySelector(".model-input img").src = view.model.input;
    }
    overlay.showsModel = Boolean(isShown && view.model);
    this.root.querySelector(".model-input").hidden = !overlay.showsModel;
    this.invalidate();
  }

  act(name) {
    const { geometry, windowLevel, overlay } = this;
    const actions = {
      in: () => geometry.zoom(ZOOM_STEP),
      out: () => geometry.zoom(1 / ZOOM_STEP),
      fit: () => geometry.fit(),
      one: () => this.zoomToOne(),
      window: () => this.setWindowMode(!this.isWindowMode),
      invert: () => windowLevel.invert(),
      rotate: () => geometry.turn(1),
      "rotate-back": () => geometry.turn(-1),
      mirror: () => geometry.mirror(),
      zones: () => { overlay.showsZones = !overlay.showsZones && Boolean(this.view.zones); },
      model: () => this.showModel(!overlay.showsModel),
      preset: () => this.nextPreset(),
      reset: () => this.reset(),
      more: () => this.showMore(this.more.hidden),
      help: () => this.showHelp(this.help.hidden),
      full: () => this.toggleFullScreen(),
    };
    actions[name]();
    this.invalidate();
  }

  zoomToOne() {
    this.geometry.zoomTo(1);
    this.geometry.alignPixels();
  }

  nextPreset() {
    const keys = this.view.windows.map((window) => window.key);
    this.windowLevel.choose(keys[(keys.indexOf(this.windowLevel.key) + 1) % keys.length]);
  }

  setWindowMode(isOn) {
    this.isWindowMode = isOn;
    this.stage.classList.toggle("windowing", isOn);
    this.invalidate();
  }

  get more() {
    return this.root.querySelector("#viewer-more");
  }

  showMore(isShown) {
    this.more.hidden = !isShown;
    this.root.querySelector("[data-action=more]").setAttribute("aria-expanded", isShown);
  }

  get help() {
    return this.root.querySelector(".viewer-help");
  }

  showHelp(isShown) {
    this.help.hidden = !isShown;
    if (isShown) this.help.querySelector("button").focus();
    else this.stage.focus({ preventScroll: true });
  }

  // The Fullscreen API, or on an iPhone, which has it for videos only, an element over the whole page.
  toggleFullScreen() {
    if (document.fullscreenElement === this.root) document.exitFullscreen();
    else if (this.root.requestFullscreen) this.root.requestFullscreen().catch(() => this.cover(true));
    else this.cover(!this.root.classList.contains("covering"));
  }

  cover(isOn) {
    this.root.classList.toggle("covering", isOn);
    document.documentElement.classList.toggle("viewer-covers", isOn);
    this.invalidate();
  }

  get isFullScreen() {
    return document.fullscreenElement === this.root || this.root.classList.contains("covering");
  }

  // Events ----------------------------------------------------------------------------------------------------------

  connect() {
    const ratio = () => this.ratio;
    const guarded = (action) => (...values) => {
      if (!this.view) return undefined;
      const result = action(...values);
      this.invalidate();
      return result;
    };
    connectGestures(this.stage, {
      isWindowMode: () => Boolean(this.isWindowMode),
      canZoomOut: () => Boolean(this.view) && this.geometry.scale > Math.min(this.geometry.fitScale, 1) * 1.001,
      pan: guarded((dx, dy) => this.geometry.pan(dx * ratio(), dy * ratio())),
      zoom: guarded((factor, at) => this.geometry.zoom(factor, at.x * ratio(), at.y * ratio())),
      window: guarded((dx, dy) => {
        const { clientWidth, clientHeight } = this.stage;
        this.windowLevel.change(dx / clientWidth, dy / clientHeight);
      }),
      point: guarded((at) => {
        this.overlay.cross = null;
        this.pointed = at && this.geometry.toFilm(at.x * ratio(), at.y * ratio());
      }),
      toggleZoom: guarded((at) => {
        if (this.geometry.isFit) this.geometry.zoomTo(Math.max(1, 2 * this.geometry.fitScale), at.x * ratio(), at.y * ratio());
        else this.geometry.fit();
      }),
    });
    this.root.addEventListener("click", ({ target }) => {
      const button = target.closest("button[data-action]");
      if (button && this.view) this.act(button.dataset.action);
    });
    this.root.querySelector(".presets").addEventListener("change", ({ target }) => {
      if (target.value !== "free") this.windowLevel.choose(target.value);
      this.invalidate();
    });
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.querySelector(".map-bar input").addEventListener("input", ({ target }) => {
      const slider = document.querySelector("#opacity");
      if (slider) {
        slider.value = target.value;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
      } else this.setOpacity(target.value);
    });
    document.addEventListener("input", ({ target }) => {
      if (target.id === "opacity") this.setOpacity(target.value);
    });
    document.addEventListener("fullscreenchange", () => this.invalidate());
    const preview = document.querySelector("#film-image");
    const isEmpty = () => !preview.querySelector("img");
    new MutationObserver(() => isEmpty() && this.suspend()).observe(preview, { childList: true, subtree: true });
    new ResizeObserver(() => this.resize()).observe(this.stage);
    window.addEventListener("beforeprint", () => this.view && this.drawNow());
  }

  onKey(event) {
    if (event.key === "Escape" && this.onEscape()) event.preventDefault();
    if (event.target !== this.stage || !this.view || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const names = {
      "+": "in", "=": "in", "-": "out", "0": "fit", "1": "one", w: "window", i: "invert", r: "rotate",
      R: "rotate-back", h: "mirror", z: "zones", m: "model", p: "preset", f: "full", Home: "reset", "?": "help",
    };
    if (arrows[event.key]) this.onArrow(...arrows[event.key]);
    else if (names[event.key]) this.act(names[event.key]);
    else return;
    event.preventDefault();
    this.pointed = null;
    if (event.key === "Home") return;
    this.overlay.cross = "centre";
    this.invalidate();
  }

  onArrow(x, y) {
    if (this.isWindowMode) this.windowLevel.change(-x * WINDOW_STEP, -y * WINDOW_STEP);
    else this.geometry.pan(x * PAN_STEP * this.ratio, y * PAN_STEP * this.ratio);
  }

  onEscape() {
    if (!this.help.hidden) this.showHelp(false);
    else if (this.root.classList.contains("covering")) this.cover(false);
    else return false;
    return true;
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  resize() {
    if (!this.view || !this.renderer || !this.stage.clientWidth) return;
    this.ratio = Math.min(window.devicePixelRatio || 1, this.renderer.maxDevicePixelRatio);
    const width = Math.max(1, Math.round(this.stage.clientWidth * this.ratio));
    const height = Math.max(1, Math.round(this.stage.clientHeight * this.ratio));
    for (const canvas of [this.film, this.overlay.canvas]) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
    }
    this.geometry.resize(width, height);
    this.drawNow();
  }

  invalidate() {
    if (this.isScheduled || !this.view) return;
    this.isScheduled = true;
    requestAnimationFrame(() => {
      this.isScheduled = false;
      if (this.view) this.drawNow();
    });
  }

  drawNow() {
    const { geometry, overlay, view } = this;
    if (overlay.cross) overlay.cross = { ...geometry.centre };
    this.renderer.draw(geometry, this.windowLevel);
    overlay.draw(geometry, view, this.ratio);
    this.updateControls();
    this.readout.update(this, overlay.cross || this.pointed);
  }

  // A finger scrolls the page while the whole film is visible, else it moves the film.
  updateControls() {
    const { geometry, windowLevel, overlay, root } = this;
    this.stage.style.touchAction = geometry.isFit && !this.isWindowMode ? "pan-y" : "none";
    const pressed = {
      window: Boolean(this.isWindowMode), invert: windowLevel.isInverted, zones: overlay.showsZones,
      model: overlay.showsModel, mirror: geometry.isMirrored, full: this.isFullScreen,
    };
    for (const [action, isPressed] of Object.entries(pressed)) {
      const button = root.querySelector(`[data-action=${action}]`);
      if (button.getAttribute("aria-pressed") !== String(isPressed)) button.setAttribute("aria-pressed", isPressed);
    }
    const select = root.querySelector(".presets");
    select.querySelector("[value=free]").hidden = windowLevel.key !== "free";
    if (select.value !== windowLevel.key) select.value = windowLevel.key;
    const [first, last] = this.view.sides; // letters at the left and at the right edge of the film
    const opposite = { [first]: last, [last]: first };
    const atLeft = { first, last }[geometry.edgeAtLeft] || "";
    const atTop = { first, last }[geometry.edgeAtTop] || "";
    this.markSide(".side-left", atLeft);
    this.markSide(".side-right", opposite[atLeft] || "");
    this.markSide(".side-top", atTop);
    this.markSide(".side-bottom", opposite[atTop] || "");
    const note = root.querySelector(".sides-note");
    if (note.textContent !== this.view.sidesNote) note.textContent = this.view.sidesNote;
  }

  markSide(selector, side) {
    const mark = this.root.querySelector(selector);
    const text = side ? this.texts[side === "R" ? "right" : "left"] : "";
    if (mark.textContent !== text) mark.textContent = text;
  }

  fillPresets() {
    const select = this.root.querySelector(".presets");
    const free = select.querySelector("[value=free]");
    select.replaceChildren(...this.view.windows.map(({ key, name }) => new Option(name, key)), free);
  }

  setDisabled(isDisabled) {
    for (const control of this.root.querySelectorAll(".toolbar button, .toolbar select")) control.disabled = isDisabled;
    if (isDisabled) return;
    this.root.querySelector("[data-action=zones]").disabled = !this.view.zones;
    this.root.querySelector("[data-action=model]").disabled = !this.view.model;
  }
}

let viewer = null;

/** The viewer of the page; another one if the page has built its element again. */
export function get() {
  const root = document.querySelector("#film-viewer");
  if (root && (!viewer || viewer.root !== root)) viewer = new Viewer(root);
  return viewer;
}

/** Show a film: `view` describes it, `file` is where its values are. Null clears the viewer. */
export function show(view, file) {
  return get().show(view, file && file.url);
}

/** Draw an evidence map over the film, or none for null. */
export function setMap(file) {
  get().setMap(file ? file.url : null);
}
