// Draws the film without a graphics chip: the visible values become grey levels, which the canvas scales.
import { NEAREST_FROM } from "./geometry.js";

const IN_MAIN_MEMORY = { alpha: false, willReadFrequently: true }; // without a graphics chip, copies to it cost most
const MARGIN = 0.2; // share of the visible part that is prepared on each side, so that panning only moves a picture

export class CanvasRenderer {
  name = "canvas";
  maxDevicePixelRatio = 2;

  constructor(canvas, levels) {
    this.context = canvas.getContext("2d", IN_MAIN_MEMORY);
    this.canvas = canvas;
    this.levels = levels;
    this.tile = document.createElement("canvas");
    this.tileContext = this.tile.getContext("2d", IN_MAIN_MEMORY);
    this.colours = new Uint32Array(65536);
    this.prepared = null;
  }

  draw(geometry, windowLevel) {
    const index = levelFor(geometry.scale, this.levels.length);
    const level = this.levels[index];
    // The last row and column of an odd side are missing in the smaller copies.
    const step = { x: 2 ** index, y: 2 ** index };
    const visible = visiblePart(geometry, level, step);
    if (!this.isPrepared(visible, index, windowLevel)) this.prepare(visible, level, index, windowLevel);
    const { context, canvas, prepared } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const [a, b, c, d] = geometry.direction.map((part) => part * geometry.scale);
    const origin = geometry.toScreen(prepared.left * step.x, prepared.top * step.y);
    context.setTransform(a * step.x, b * step.x, c * step.y, d * step.y, origin.x, origin.y);
    context.imageSmoothingEnabled = geometry.scale < NEAREST_FROM;
    context.imageSmoothingQuality = "low";
    const { width, height } = prepared;
    context.drawImage(this.tile, 0, 0, width, height, 0, 0, width, height);
  }

  isPrepared(visible, index, windowLevel) {
    const { prepared } = this;
    return (
      prepared && prepared.index === index && prepared.version === windowLevel.version &&
      prepared.left <= visible.left && prepared.top <= visible.top &&
      prepared.left + prepared.width >= visible.right && prepared.top + prepared.height >= visible.bottom
    );
  }

  prepare(visible, level, index, windowLevel) {
    const isWindowing = this.prepared && this.prepared.version !== windowLevel.version;
    const share = isWindowing ? 0 : MARGIN; // while the window changes, only the visible part is needed
    const [marginX, marginY] = [share * (visible.right - visible.left), share * (visible.bottom - visible.top)];
    const left = Math.max(0, Math.floor(visible.left - marginX));
    const top = Math.max(0, Math.floor(visible.top - marginY));
    const width = Math.min(level.width, Math.ceil(visible.right + marginX)) - left;
    const height = Math.min(level.height, Math.ceil(visible.bottom + marginY)) - top;
    if (this.tile.width < width || this.tile.height < height) {
      this.tile.width = Math.max(width, this.tile.width);
      this.tile.height = Math.max(height, this.tile.height);
    }
    const picture = this.pictureOf(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    const { grey } = windowLevel;
    const { colours } = this;
    for (let code = 0; code < grey.length; code += 1) colours[code] = 0xff000000 | (grey[code] * 0x010101);
    const { values } = level;
    for (let row = 0, target = 0; row < height; row += 1) {
      let source = (top + row) * level.width + left;
      for (const end = source + width; source < end; source += 1, target += 1) pixels[target] = colours[values[source]];
    }
    this.tileContext.putImageData(picture, 0, 0);
    this.prepared = { left, top, width, height, index, version: windowLevel.version };
  }

  pictureOf(width, height) {
    if (!this.picture || this.picture.width !== width || this.picture.height !== height) {
      this.picture = new ImageData(width, height);
    }
    return this.picture;
  }

  dispose() {
    this.tile.width = this.tile.height = 0;
  }
}

/** The smallest copy that still has a pixel for each one of the screen. */
export function levelFor(scale, count) {
  return Math.min(Math.max(Math.floor(Math.log2(1 / scale) + 0.01), 0), count - 1);
}

function visiblePart(geometry, level, step) {
  const { width, height } = geometry.screen;
  const corners = [geometry.toFilm(0, 0), geometry.toFilm(width, height)];
  const [xs, ys] = [corners.map((corner) => corner.x / step.x), corners.map((corner) => corner.y / step.y)];
  const limit = (value, length) => Math.min(Math.max(value, 0), length);
  return {
    left: limit(Math.floor(Math.min(...xs)), level.width - 1),
    right: limit(Math.ceil(Math.max(...xs)), level.width),
    top: limit(Math.floor(Math.min(...ys)), level.height - 1),
    bottom: limit(Math.ceil(Math.max(...ys)), level.height),
  };
}
