// Decodes a film beside the page, which stays responsive.
import { decode, pyramid } from "./decode.js";

self.onmessage = async ({ data: { url, layout } }) => {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const values = await decode(response, layout);
    const levels = pyramid(values, layout.width, layout.height);
    self.postMessage({ levels }, levels.map((level) => level.values.buffer));
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
