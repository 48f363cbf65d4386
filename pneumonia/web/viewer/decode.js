// The inverse of packing.py: compressed bytes -> values [height * width], and the smaller copies that are drawn when the
// film is zoomed out.

const SMALLEST_SIDE = 256;

/** The values of a film: Uint8Array or Uint16Array of width * height. Throws if bytes are missing. */
export async function decode(response, { width, height, bytes }) {
  const inflated = response.body.pipeThrough(new DecompressionStream("deflate-raw"));
  const planes = await readAll(inflated, width * height * bytes);
  return unpredict(bytes === 1 ? planes : joined(planes), width, height);
}

async function readAll(stream, length) {
  const data = new Uint8Array(length);
  let position = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (position + value.length > length) throw new Error("The film has more bytes than its size says.");
    data.set(value, position);
    position += value.length;
  }
  if (position !== length) throw new Error("The film has fewer bytes than its size says.");
  return data;
}

function joined(planes) {
  const count = planes.length / 2;
  const values = new Uint16Array(count);
  for (let index = 0; index < count; index += 1) values[index] = (planes[index] << 8) | planes[count + index];
  return values;
}

// Works in place: typed arrays wrap as the differences did.
function unpredict(values, width, height) {
  for (let row = 0, index = 0; row < height; row += 1) {
    let left = row ? values[index - width] : 0;
    for (let column = 0; column < width; column += 1, index += 1) {
      const upper = row ? values[index - width] : left;
      const number = values[index];
      left = ((left + upper) >> 1) + ((number >>> 1) ^ -(number & 1));
      values[index] = left;
      left = values[index];
    }
  }
  return values;
}

/** [{values, width, height}, ...]: the film, then each time half the size, by the mean of four values. */
export function pyramid(values, width, height) {
  const levels = [{ values, width, height }];
  while (Math.max(width, height) > 2 * SMALLEST_SIDE && Math.min(width, height) > 1) {
    values = halved(values, width, height);
    width >>= 1;
    height >>= 1;
    levels.push({ values, width, height });
  }
  return levels;
}

function halved(values, width, height) {
  const columns = width >> 1;
  const rows = height >> 1;
  const half = new values.constructor(columns * rows);
  for (let row = 0, index = 0; row < rows; row += 1) {
    let upper = 2 * row * width;
    for (let column = 0; column < columns; column += 1, index += 1, upper += 2) {
      half[index] = (values[upper] + values[upper + 1] + values[upper + width] + values[upper + width + 1] + 2) >> 2;
    }
  }
  return half;
}
