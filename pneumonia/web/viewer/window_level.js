// Windows: which values are black and white. Limits are in codes, the numbers that travelled; value = code + first.

export class WindowLevel {
  constructor(view) {
    this.view = view;
    this.size = view.bytes === 1 ? 256 : 65536;
    this.grey = new Uint8Array(this.size);
    this.reset();
  }

  reset() {
    this.isInverted = false;
    this.choose(this.view.windows[0].key);
  }

  choose(key) {
    const preset = this.view.windows.find((window) => window.key === key);
    this.key = key;
    this.low = preset.low;
    this.high = preset.high;
    this.curve = preset.curve || null;
    this.update();
  }

  invert(isInverted = !this.isInverted) {
    this.isInverted = isInverted;
    this.update();
  }

  get width() {
    return this.high - this.low;
  }

  get level() {
    return (this.low + this.high) / 2;
  }

  /** Widen and move the window by shares of the film's full range; any window becomes a free one. */
  change(width, level) {
    const full = this.view.windows.find((window) => window.key === "full");
    const range = full.high - full.low;
    const newWidth = Math.min(Math.max(this.width + width * range, 1), 4 * range);
    const newLevel = Math.min(Math.max(this.level + level * range, full.low - range), full.high + range);
    this.key = "free";
    this.low = newLevel - newWidth / 2;
    this.high = newLevel + newWidth / 2;
    this.update();
  }

  /** Fill `grey`: grey level 0..255 for each code. Padding is black in every window. */
  update() {
    const { grey, low, curve, size } = this;
    const isFlipped = this.isInverted !== this.view.isInverted;
    const width = Math.max(this.width, 1e-6);
    for (let code = 0; code < size; code += 1) {
      let share = (code - low) / width;
      share = share < 0 ? 0 : share > 1 ? 1 : share;
      const level = curve ? interpolate(curve, share) : 255 * share;
      grey[code] = (isFlipped ? 255 - level : level) + 0.5;
    }
    if (this.view.padding !== null) grey[this.view.padding] = 0;
    this.version = (this.version || 0) + 1;
  }
}

function interpolate(curve, share) {
  const position = share * (curve.length - 1);
  const index = Math.min(Math.floor(position), curve.length - 2);
  return curve[index] + (curve[index + 1] - curve[index]) * (position - index);
}
