/** Each layer and what it may import, itself left out. */
export const may: Readonly<Record<string, readonly string[]>> = {
  base: [],
  codec: ["base"],
  crypto: ["base", "codec"],
  link: ["base", "codec", "crypto"],
  gateway: ["base", "codec", "crypto", "link"],
  store: ["base", "gateway"],
  explain: ["base", "codec", "crypto"],
  face: ["base", "codec", "crypto", "link", "gateway", "explain"],
  app: ["base", "codec", "crypto", "link", "gateway", "store", "explain", "face", "lab", "drivers", "simulators"],
  lab: ["base", "codec", "crypto", "link", "gateway", "explain", "face", "simulators"],
  drivers: ["base", "codec", "link"],
  simulators: ["base", "codec", "link"],
};
/** What one folder may import beyond its layer. */
export const also: Readonly<Record<string, string>> = { "drivers/sim/": "simulators" };
/** Layers beside `src/`. */
export const roots = ["drivers", "simulators"];
export const layers = Object.keys(may);

/** The layer of a file. */
export function layerOf(path: string): string {
  const [root = "", folder = ""] = path.split("/");
  return roots.includes(root) ? root : folder;
}
