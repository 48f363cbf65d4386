// Mouse, touch and pen on the film: pan, zoom, window. One pointer drags, two pinch.

const WHEEL_STEP = 0.0016; // zoom for one unit of the wheel: a notch of 100 is 17 %
const TAP_DISTANCE = 8; // CSS pixels that a finger may move within a tap
const DOUBLE_TAP_MS = 300;

/** Connects the pointers of `stage` with `actions`: pan, zoom, window, point, toggleZoom, canZoomOut. */
export function connectGestures(stage, actions) {
  const pointers = new Map();
  let drag = null;
  let pinch = null;
  let lastTap = 0;

  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, input, select, .viewer-help, .model-input")) return;
    if (event.pointerType === "mouse" && event.button !== 0 && event.button !== 2) return;
    stage.focus({ preventScroll: true });
    capture(event.pointerId);
    const at = place(event);
    pointers.set(event.pointerId, at);
    drag = { at, start: at, isWindow: event.button === 2 || actions.isWindowMode(), time: event.timeStamp };
    pinch = pointers.size === 2 ? spread() : null;
    actions.point(at);
  });

  stage.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") actions.point(at);
      return;
    }
    pointers.set(event.pointerId, at);
    if (pointers.size === 2 && pinch) {
      const now = spread();
      actions.pan(now.x - pinch.x, now.y - pinch.y);
      actions.zoom(now.distance / pinch.distance, now);
      pinch = now;
    } else if (pointers.size === 1 && drag) {
      const [dx, dy] = [at.x - drag.at.x, at.y - drag.at.y];
      if (drag.isWindow) actions.window(dx, dy);
      else actions.pan(dx, dy);
      drag.at = at;
      if (event.pointerType !== "touch") actions.point(at);
    }
  });

  const end = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    const isTap = drag && !pinch && event.type === "pointerup" && distance(drag.start, place(event)) < TAP_DISTANCE;
    if (isTap && event.pointerType === "touch") tap(event);
    pinch = null;
    const [rest] = pointers.values();
    drag = rest ? { at: rest, start: rest, isWindow: actions.isWindowMode(), time: event.timeStamp } : null;
  };
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !pointers.size) actions.point(null);
  });

  stage.addEventListener("wheel", (event) => {
    if (event.target.closest(".viewer-help")) return;
    if (event.deltaY > 0 && !actions.canZoomOut()) return; // the page scrolls on
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    actions.zoom(Math.exp(-event.deltaY * lines * WHEEL_STEP), place(event));
    actions.point(place(event));
  }, { passive: false });

  stage.addEventListener("dblclick", (event) => {
    if (!event.target.closest("button, input, select, .viewer-help, .model-input")) actions.toggleZoom(place(event));
  });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());

  function tap(event) {
    actions.point(place(event));
    lastTap = event.timeStamp - lastTap < DOUBLE_TAP_MS ? 0 : event.timeStamp;
    // A browser sends no dblclick where it handles touches itself.
    if (lastTap === 0) actions.toggleZoom(place(event));
  }

  function spread() {
    const [first, second] = [...pointers.values()];
    return {
      x: (first.x + second.x) / 2,
      y: (first.y + second.y) / 2,
      distance: Math.max(distance(first, second), 1),
    };
  }

  function capture(id) {
    try {
      stage.setPointerCapture(id);
    } catch {
      // the pointer has ended already
    }
  }
}

function distance(first, second) {
  return Math.hypot(first.x - second.x, first.y - second.y);
}
