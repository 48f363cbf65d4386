// Texts of the viewer that change: value under the pointer, zoom, window, and what is for viewing only.

const ANNOUNCE_AFTER_MS = 500;

export class Readout {
  constructor(root, texts) {
    this.pixel = root.querySelector(".pixel");
    this.state = root.querySelector(".view-state");
    this.note = root.querySelector(".view-note");
    this.live = root.querySelector(".announcement");
    this.texts = texts;
    this.language = document.documentElement.lang || "en";
  }

  update(viewer, place) {
    const pixel = place ? this.describePixel(viewer, place) : "";
    const state = this.describeState(viewer);
    const note = this.describeNotes(viewer);
    for (const [element, text] of [[this.pixel, pixel], [this.state, state], [this.note, note]]) {
      write(element, text);
    }
    this.note.hidden = !note;
    this.announce([state, viewer.overlay.cross ? pixel : "", note].filter(Boolean).join(" "));
  }

  // For screen readers: the last state, once it no longer changes.
  announce(text) {
    clearTimeout(this.timer);
    if (this.live.textContent === text) return;
    this.timer = setTimeout(() => { this.live.textContent = text; }, ANNOUNCE_AFTER_MS);
  }

  describePixel({ view, levels }, place) {
    const [x, y] = [Math.floor(place.x), Math.floor(place.y)];
    if (x < 0 || y < 0 || x >= view.width || y >= view.height) return "";
    const code = levels[0].values[y * view.width + x];
    const { texts } = this;
    const column = x * view.factor + 1;
    const row = y * view.factor + 1;
    const parts = [fill(texts.place, { x: column, y: row })];
    if (view.stored) parts.push(fill(texts.stored, storedPlace(view.stored, column, row)));
    if (code === view.padding) parts.push(texts.padding);
    else parts.push(...this.describeValue(view, code + view.first));
    if (view.spacing) {
      const [rows, columns] = view.spacing;
      parts.push(fill(texts.distance, {
        x: this.number(column * columns, 1), y: this.number(row * rows, 1),
      }));
    }
    return parts.join(texts.separator);
  }

  describeValue(view, value) {
    const { texts } = this;
    const name = { stored: texts.value, "grey of colour": texts.grey, scaled: texts.scaled }[view.kind];
    const parts = [fill(name, { value: this.number(value, 0), bits: view.bits })];
    if (view.rescale) {
      const [slope, intercept] = view.rescale;
      parts.push(fill(texts.rescaled, { value: this.number(slope * value + intercept, 2) }));
    }
    return parts;
  }

  describeState({ view, geometry, windowLevel, ratio }) {
    const { texts } = this;
    const percent = this.number((100 * geometry.scale) / view.factor, geometry.scale < 0.1 ? 1 : 0);
    const limits = [windowLevel.low + view.first, windowLevel.high + view.first];
    const values = {
      level: this.number((limits[0] + limits[1]) / 2, 0), width: this.number(limits[1] - limits[0], 0), percent,
    };
    return fill(texts.state, values);
  }

  describeNotes({ view, geometry, windowLevel, overlay }) {
    const { texts } = this;
    const notes = [];
    if (view.factor > 1) notes.push(fill(texts.reduced, { factor: view.factor }));
    if (geometry.turns || geometry.isMirrored) notes.push(texts.turned);
    const isCorrected = Boolean(view.model && view.model.isInverted);
    if (isCorrected && windowLevel.isInverted) notes.push(texts.corrected);
    else if (isCorrected) notes.push(texts.original);
    else if (windowLevel.isInverted) notes.push(texts.inverted);
    if (overlay.showsZones) notes.push(view.zonesNote);
    return notes.join(" ");
  }

  number(value, digits) {
    return value.toLocaleString(this.language, { maximumFractionDigits: digits, useGrouping: false });
  }
}

// Column and row in the file of a place on the film that is shown after quarter turns, anticlockwise. All start at 1.
function storedPlace({ quarters, width, height }, column, row) {
  if (quarters === 1) return { x: width + 1 - row, y: column };
  if (quarters === 2) return { x: width + 1 - column, y: height + 1 - row };
  return { x: row, y: height + 1 - column };
}

// Changes the text node in place: after a new node, the browser matches the rules with :has() again, in each frame.
function write(element, text) {
  if (!element.firstChild) element.append("");
  if (element.firstChild.data !== text) element.firstChild.data = text;
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
