// Draws the film on the graphics chip: its values are a texture of whole numbers, the window a table of 65,536 grey levels.
import { levelFor } from "./canvas_renderer.js";
import { NEAREST_FROM } from "./geometry.js";

const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D film;
uniform usampler2D grey;
uniform vec2 screen;     // size in device pixels
uniform vec2 centre;     // the film's pixel at the middle of the screen, in pixels of the level
uniform mat2 toFilm;     // screen -> level, without the shift
uniform ivec2 size;      // of the level
uniform bool isNearest;
out vec4 colour;

float valueAt(ivec2 place) {
  return float(texelFetch(film, clamp(place, ivec2(0), size - 1), 0).r);
}

void main() {
  vec2 offset = vec2(gl_FragCoord.x, screen.y - gl_FragCoord.y) - screen / 2.0;
  vec2 place = centre + toFilm * offset;
  if (any(lessThan(place, vec2(0.0))) || any(greaterThanEqual(place, vec2(size)))) {
    colour = vec4(0.0, 0.0, 0.0, 1.0);
    return;
  }
  float value;
  if (isNearest) {
    value = valueAt(ivec2(place));
  } else {
    vec2 corner = floor(place - 0.5);
    vec2 share = place - 0.5 - corner;
    ivec2 first = ivec2(corner);
    value = mix(
      mix(valueAt(first), valueAt(first + ivec2(1, 0)), share.x),
      mix(valueAt(first + ivec2(0, 1)), valueAt(first + ivec2(1, 1)), share.x),
      share.y
    );
  }
  int code = int(value + 0.5);
  float level = float(texelFetch(grey, ivec2(code & 255, code >> 8), 0).r) / 255.0;
  colour = vec4(vec3(level), 1.0);
}`;

export class WebGLRenderer {
  name = "webgl";
  maxDevicePixelRatio = 4;

  /** Throws if the browser has no WebGL2 on a graphics chip, or if the film is larger than its textures. */
  constructor(canvas, levels, { allowsSoftware = false } = {}) {
    const gl = canvas.getContext("webgl2", {
      alpha: false, antialias: false, depth: false, stencil: false, failIfMajorPerformanceCaveat: !allowsSoftware,
      powerPreference: "high-performance", preserveDrawingBuffer: true, // so that the film can be printed
    });
    if (!gl) throw new Error("no WebGL2");
    if (!allowsSoftware && isSoftware(gl)) throw new Error("WebGL2 without a graphics chip");
    if (Math.max(levels[0].width, levels[0].height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) {
      throw new Error("the film is larger than a texture");
    }
    this.gl = gl;
    this.canvas = canvas;
    this.levels = levels;
    this.program = link(gl);
    this.places = Object.fromEntries(
      ["film", "grey", "screen", "centre", "toFilm", "size", "isNearest"].map((name) => [
        name, gl.getUniformLocation(this.program, name),
      ]),
    );
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.textures = levels.map((level) => texture(gl, level));
    this.greyTexture = texture(gl, { values: new Uint8Array(65536), width: 256, height: 256 });
    if (gl.getError()) throw new Error("not enough graphics memory");
  }

  draw(geometry, windowLevel) {
    const { gl, places } = this;
    const index = levelFor(geometry.scale, this.levels.length);
    const level = this.levels[index];
    const step = 2 ** index;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.useProgram(this.program);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.greyTexture);
    if (this.version !== windowLevel.version) {
      const rows = windowLevel.grey.length / 256;
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 256, rows, gl.RED_INTEGER, gl.UNSIGNED_BYTE, windowLevel.grey);
      this.version = windowLevel.version;
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.textures[index]);
    gl.uniform1i(places.film, 0);
    gl.uniform1i(places.grey, 1);
    gl.uniform2f(places.screen, geometry.screen.width, geometry.screen.height);
    gl.uniform2f(places.centre, geometry.centre.x / step, geometry.centre.y / step);
    const [a, b, c, d] = geometry.direction.map((part) => part / (geometry.scale * step));
    gl.uniformMatrix2fv(places.toFilm, false, [a, c, b, d]);
    gl.uniform2i(places.size, level.width, level.height);
    gl.uniform1i(places.isNearest, Number(geometry.scale >= NEAREST_FROM));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  dispose() {
    const { gl } = this;
    for (const item of [...this.textures, this.greyTexture]) gl.deleteTexture(item);
    gl.deleteProgram(this.program);
  }
}

// Not every browser refuses a context that is drawn in software, which takes ten times as long as the canvas.
function isSoftware(gl) {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

function link(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}

function texture(gl, { values, width, height }) {
  const item = gl.createTexture();
  const [format, type] = values instanceof Uint8Array ? [gl.R8UI, gl.UNSIGNED_BYTE] : [gl.R16UI, gl.UNSIGNED_SHORT];
  gl.bindTexture(gl.TEXTURE_2D, item);
  gl.texImage2D(gl.TEXTURE_2D, 0, format, width, height, 0, gl.RED_INTEGER, type, values);
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  return item;
}
