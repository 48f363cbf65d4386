// Requests the values of a film, in a worker where the browser allows one.
import { decode, pyramid } from "./decode.js";

let worker = null;

export async function loadLevels(url, layout) {
  const size = { width: layout.width, height: layout.height, bytes: layout.bytes };
  try {
    return await inWorker(url, size);
  } catch (error) {
    if (error instanceof RefusedFilm) throw error;
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const values = await decode(response, size);
    return pyramid(values, size.width, size.height);
  }
}

class RefusedFilm extends Error {}

function inWorker(url, layout) {
  // A film that is no longer wanted is not decoded further.
  if (worker) worker.terminate();
  worker = new Worker(new URL("./decode_worker.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.error) reject(new RefusedFilm(data.error));
      else resolve(data.levels);
      worker.terminate();
      worker = null;
    };
    worker.onerror = (event) => reject(new Error(event.message || "no worker"));
    worker.postMessage({ url, layout });
  });
}
