// What is drawn over the film: evidence map, lung zones, the part that the model received, and the place of the readout.

const ZONE_COLOUR = "#78c8ff"; // light blue, as the outline of the lungs in the map
const HALO = "rgba(0, 0, 0, 0.75)";

export class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.map = null;
    this.opacity = 0.6;
    this.showsZones = false;
    this.showsModel = false;
    this.cross = null; // a place on the film
  }

  draw(geometry, view, ratio) {
    const { context, canvas } = this;
    const isEmpty = !(this.map && this.opacity) && !this.showsModel && !this.showsZones && !this.cross;
    canvas.hidden = isEmpty; // the browser then composes one picture less
    if (isEmpty && this.wasEmpty) return;
    this.wasEmpty = isEmpty;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.map) this.drawMap(geometry, view);
    if (this.showsModel && view.model) this.drawFrame(geometry, view, ratio);
    if (this.showsZones && view.zones) this.drawZones(geometry, view, ratio);
    if (this.cross) this.drawCross(geometry, ratio);
  }

  toScreen(geometry, view, x, y) {
    return geometry.toScreen(x * view.width, y * view.height);
  }

  drawMap(geometry, view) {
    const { context, map } = this;
    const [a, b, c, d] = geometry.direction.map((part) => part * geometry.scale);
    const [stepX, stepY] = [view.width / map.naturalWidth, view.height / map.naturalHeight];
    const origin = geometry.toScreen(0, 0);
    context.globalAlpha = this.opacity;
    context.setTransform(a * stepX, b * stepX, c * stepY, d * stepY, origin.x, origin.y);
    context.drawImage(map, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
  }

  drawFrame(geometry, view, ratio) {
    const { context } = this;
    const [left, top, right, bottom] = view.model.area;
    const path = (points) => points.forEach(([x, y], index) => {
      const place = this.toScreen(geometry, view, x, y);
      if (index) context.lineTo(place.x, place.y);
      else context.moveTo(place.x, place.y);
    });
    context.beginPath();
    path([[0, 0], [1, 0], [1, 1], [0, 1]]);
    context.closePath();
    path([[left, top], [right, top], [right, bottom], [left, bottom]]);
    context.closePath();
    context.fillStyle = "rgba(0, 0, 0, 0.6)";
    context.fill("evenodd");
    context.beginPath();
    path([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]);
    this.line("#ffd166", ratio, [6 * ratio, 4 * ratio]);
  }

  drawZones(geometry, view, ratio) {
    const { context } = this;
    context.font = `600 ${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const zone of view.zones) {
      context.beginPath();
      for (const polygon of zone.polygons) {
        polygon.forEach(([x, y], index) => {
          const place = this.toScreen(geometry, view, x, y);
          if (index) context.lineTo(place.x, place.y);
          else context.moveTo(place.x, place.y);
        });
        context.closePath();
      }
      this.line(ZONE_COLOUR, ratio);
      const middle = this.toScreen(geometry, view, ...zone.middle);
      context.strokeStyle = HALO;
      context.lineWidth = 3 * ratio;
      context.strokeText(zone.name, middle.x, middle.y);
      context.fillStyle = "#fff";
      context.fillText(zone.name, middle.x, middle.y);
    }
  }

  drawCross(geometry, ratio) {
    const { context } = this;
    const { x, y } = geometry.toScreen(this.cross.x, this.cross.y);
    const [inner, outer] = [4 * ratio, 12 * ratio];
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + inner * dx, y + inner * dy);
      context.lineTo(x + outer * dx, y + outer * dy);
    }
    this.line("#fff", ratio);
  }

  // A dark line below a bright one is visible on every grey.
  line(colour, ratio, dash = []) {
    const { context } = this;
    context.setLineDash([]);
    context.lineWidth = 3 * ratio;
    context.strokeStyle = HALO;
    context.stroke();
    context.setLineDash(dash);
    context.lineWidth = 1.5 * ratio;
    context.strokeStyle = colour;
    context.stroke();
  }
}
