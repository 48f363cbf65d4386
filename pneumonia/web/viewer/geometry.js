// Position of the film on the screen: centre, scale, quarter turns, mirroring. Lengths on the screen are in device pixels,
// those on the film in pixels of the film, whose first one has its middle at (0.5, 0.5).

const MAX_SCALE = 32;
export const NEAREST_FROM = 4; // from this scale on, each pixel of the film is drawn as a square

export class Geometry {
  constructor(filmWidth, filmHeight) {
    this.film = { width: filmWidth, height: filmHeight };
    this.screen = { width: 1, height: 1 };
    this.reset();
  }

  reset() {
    this.turns = 0; // quarter turns, clockwise
    this.isMirrored = false;
    this.fit();
  }

  resize(width, height) {
    const wasFit = this.isFit;
    this.screen = { width, height };
    if (wasFit) this.fit();
    else this.clamp();
  }

  get fitScale() {
    const [width, height] = this.turns % 2 ? [this.film.height, this.film.width] : [this.film.width, this.film.height];
    return Math.min(this.screen.width / width, this.screen.height / height);
  }

  get isFit() {
    return this.scale === this.fitScale;
  }

  fit() {
    this.scale = this.fitScale;
    this.centre = { x: this.film.width / 2, y: this.film.height / 2 };
  }

  turn(quarters) {
    const wasFit = this.isFit;
    this.turns = (this.turns + quarters + 4) % 4;
    if (wasFit) this.fit();
    this.clamp();
  }

  mirror() {
    // Left and right of the screen, whatever the rotation.
    this.isMirrored = !this.isMirrored;
    if (this.turns % 2) this.turns = (this.turns + 2) % 4;
  }

  /** Matrix [a, b, c, d] of the direction: screen x = a * film x + c * film y, screen y = b * film x + d * film y. */
  get direction() {
    const mirror = this.isMirrored ? -1 : 1;
    const [cos, sin] = [[1, 0], [0, 1], [-1, 0], [0, -1]][this.turns];
    return [mirror * cos, mirror * sin, -sin, cos];
  }

  toScreen(x, y) {
    const [a, b, c, d] = this.direction;
    const [dx, dy] = [x - this.centre.x, y - this.centre.y];
    return {
      x: this.screen.width / 2 + this.scale * (a * dx + c * dy),
      y: this.screen.height / 2 + this.scale * (b * dx + d * dy),
    };
  }

  toFilm(x, y) {
    const [a, b, c, d] = this.direction; // orthogonal: its inverse is its transpose
    const [dx, dy] = [(x - this.screen.width / 2) / this.scale, (y - this.screen.height / 2) / this.scale];
    return { x: this.centre.x + a * dx + b * dy, y: this.centre.y + c * dx + d * dy };
  }

  /** Zoom by a factor; the point of the film under (x, y) stays there. */
  zoom(factor, x = this.screen.width / 2, y = this.screen.height / 2) {
    this.zoomTo(this.scale * factor, x, y);
  }

  zoomTo(scale, x = this.screen.width / 2, y = this.screen.height / 2) {
    const fixed = this.toFilm(x, y);
    const smallest = Math.min(this.fitScale, 1);
    this.scale = Math.min(Math.max(scale, smallest), Math.max(MAX_SCALE, this.fitScale));
    if (Math.abs(this.scale / this.fitScale - 1) < 1e-6) this.scale = this.fitScale;
    const moved = this.toFilm(x, y);
    this.centre = { x: this.centre.x + fixed.x - moved.x, y: this.centre.y + fixed.y - moved.y };
    this.clamp();
  }

  pan(dx, dy) {
    const [a, b, c, d] = this.direction;
    this.centre = {
      x: this.centre.x - (a * dx + b * dy) / this.scale,
      y: this.centre.y - (c * dx + d * dy) / this.scale,
    };
    this.clamp();
  }

  // The film cannot be moved off the screen: where it is larger than the screen, no edge leaves it; else it is centred.
  clamp() {
    const isTurned = this.turns % 2;
    const [screenX, screenY] = isTurned
      ? [this.screen.height, this.screen.width]
      : [this.screen.width, this.screen.height];
    const along = (centre, length, screen) => {
      const half = screen / this.scale / 2;
      return half * 2 >= length ? length / 2 : Math.min(Math.max(centre, half), length - half);
    };
    this.centre = {
      x: along(this.centre.x, this.film.width, screenX),
      y: along(this.centre.y, this.film.height, screenY),
    };
    this.alignPixels();
  }

  // At whole scales, edges of the film's pixels fall on edges of the screen's: each is drawn with its own value.
  alignPixels() {
    if (!Number.isInteger(this.scale)) return;
    const isTurned = this.turns % 2;
    const [screenX, screenY] = isTurned
      ? [this.screen.height, this.screen.width]
      : [this.screen.width, this.screen.height];
    const align = (centre, screen) => {
      const offset = screen / 2;
      return (Math.round(centre * this.scale - offset) + offset) / this.scale;
    };
    this.centre = { x: align(this.centre.x, screenX), y: align(this.centre.y, screenY) };
  }

  /** Which edge of the film is at the left of the screen: "first" for its left one, "last", or "" if it is turned. */
  get edgeAtLeft() {
    const [a] = this.direction;
    return a === 1 ? "first" : a === -1 ? "last" : "";
  }

  get edgeAtTop() {
    const [, b] = this.direction;
    return b === 1 ? "first" : b === -1 ? "last" : "";
  }
}
