// Loads the files of a bundle with their compiled code from the last start. Plain CommonJS: it runs before anything else.
"use strict";
const {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const { createRequire } = require("node:module");
const { dirname, join } = require("node:path");
const { Script } = require("node:vm");
const { crc32 } = require("node:zlib");

/** Time after which the compiled code of a long-running process is written, in ms. */
const settledMs = 10_000;
/** Age at which the compiled code of other builds is removed, in ms. */
const oldMs = 30 * 86_400_000;

/**
 * What the bundle's file `main` exports. Compiled code is kept in a folder below `cache`, for its owner only; where that is
 * not possible, everything is compiled again. It contains the functions that ran, so each `use` has a folder of its own.
 */
exports.loadCached = function loadCached(main, cache, use) {
  const { mtimeMs, size } = statSync(main);
  const build = `${process.version}-${process.arch}-${Math.trunc(mtimeMs).toString(36)}-${size}`;
  const folder = join(cache, `code-${use}-${build}`);
  const trusted = crc32 !== undefined && isOurs(cache) && isOurs(folder);
  const outside = createRequire(main);
  const bundle = dirname(main);
  const loaded = new Map();
  const compiled = [];

  const load = (name) => {
    const known = loaded.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    loaded.set(name, module);
    const filename = join(bundle, name);
    const text = readFileSync(filename, "utf8");
    // V8 compares no more than the length of the source.
    const place = `${name}-${crc32?.(text).toString(16)}`;
    const kept = trusted ? readKept(join(folder, place)) : undefined;
    const source = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
    const script = new Script(source, { filename, cachedData: kept });
    if (kept === undefined || script.cachedDataRejected === true) compiled.push([place, script]);
    const inside = (wanted) => (wanted.startsWith("./") ? load(wanted.slice(2)) : outside(wanted));
    script.runInThisContext()(module.exports, inside, module, filename, bundle);
    return module.exports;
  };

  /** Writes one file of compiled code; false when there is nothing left to do. */
  const writeNext = () => {
    const [name, script] = compiled.pop() ?? [];
    if (name === undefined) return false;
    const place = join(folder, name);
    const next = `${place}.${process.pid}`;
    try {
      prepare(cache, folder);
      writeFileSync(next, withSum(script.createCachedData()), { mode: 0o600, flag: "wx" });
      renameSync(next, place);
      return true;
    } catch {
      // A full disk or a folder that is not ours: the next start compiles again.
      compiled.length = 0;
      removeQuietly(next);
      return false;
    }
  };
  const writeSlowly = () => {
    if (writeNext()) setTimeout(writeSlowly, 100).unref();
  };
  setTimeout(writeSlowly, settledMs).unref();
  process.on("exit", () => {
    while (writeNext());
  });
  return load("main.cjs");
};

function removeQuietly(path) {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is not there, or not ours.
  }
}

/** Compiled code as written; undefined if it is missing or damaged, which V8 would not survive. */
function readKept(path) {
  try {
    const kept = readFileSync(path);
    const code = kept.subarray(0, -4);
    return kept.readUInt32BE(code.length) === crc32(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Compiled code and its CRC-32 behind it. */
function withSum(code) {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(code));
  return Buffer.concat([code, sum]);
}

/** Makes the folder, and removes those of builds that were not used for long. @throws if another user could write to it */
function prepare(cache, folder) {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) === undefined) {
    if (!isOurs(cache) || !isOurs(folder)) throw new Error(`${folder}: other users can write to it`);
    return;
  }
  chmodSync(folder, 0o700);
  for (const name of readdirSync(cache)) {
    const other = join(cache, name);
    if (name.startsWith("code-") && Date.now() - statSync(other).mtimeMs > oldMs)
      rmSync(other, { recursive: true, force: true });
  }
}

/** Whether the folder is there and only this user can write to it. */
function isOurs(folder) {
  try {
    const { uid, mode } = statSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}
