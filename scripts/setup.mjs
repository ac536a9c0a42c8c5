// Brings a bare clone to the point where it runs: npm packages, Debian packages, the built program.
// Plain JavaScript on node: modules only, because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const forTests = process.argv.includes("--dev");
const say = (text) => process.stderr.write(`setup: ${text}\n`);

/** Debian packages: what a user needs, and what the tests compare with besides. */
const runtimePackages = ["pcscd", "vsmartcard-vpcd", "libccid"];
const testPackages = JSON.parse(readFileSync(join(root, "scripts", "test-packages.json"), "utf8"));

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
}

function succeeds(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: "ignore", ...options }).status === 0;
}

function installed(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a format of dpkg-query's own
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f=${Status}", name], { encoding: "utf8" });
  return (stdout ?? "").includes("install ok installed");
}

function installDebian(packages, what) {
  if (!succeeds("dpkg-query", ["--version"])) return;
  const missing = packages.filter((name) => !installed(name));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    say(`for ${what}, run once: sudo apt-get install -y --no-install-recommends ${missing.join(" ")}`);
    return;
  }
  say(`installing Debian packages for ${what}: ${missing.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (args) =>
    run("apt-get", ["-q", "-y", "-o", "Dpkg::Use-Pty=0", ...args], { env, stdio: ["ignore", "ignore", 2] }).status ===
    0;
  apt(["update"]);
  if (apt(["install", "--no-install-recommends", ...missing])) return;
  // One package that is not to be had must not take the others with it.
  for (const name of missing)
    if (!apt(["install", "--no-install-recommends", name]))
      say(`${name} cannot be installed; what needs it is left out`);
}

function stampOf(files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function installNpm() {
  const stampFile = join(root, "node_modules", ".otagate-stamp");
  const stamp = stampOf(["package.json", "package-lock.json"]);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  say("installing npm packages");
  if (run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]).status !== 0) {
    say("npm ci failed; see above");
    process.exit(1);
  }
  writeFileSync(stampFile, stamp);
}

/** Native modules: each disables one thing when it cannot be loaded, and indicates it. */
function checkNative() {
  const loads = (name) => succeeds(process.execPath, ["-e", `require(${JSON.stringify(name)})`]);
  const sqlite = `const S=require("better-sqlite3");new S(":memory:")`;
  if (!succeeds(process.execPath, ["-e", sqlite])) {
    installDebian(["python3", "make", "g++"], "building better-sqlite3");
    say("building better-sqlite3");
    if (!existsSync(join(root, "node_modules", "better-sqlite3")))
      run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "better-sqlite3@^12"]);
    else run("npm", ["rebuild", "better-sqlite3", "--loglevel=error"]);
    if (!succeeds(process.execPath, ["-e", sqlite])) {
      say(
        "better-sqlite3 cannot be loaded: the daemon has no store. It needs python3, make and g++ (apt-get install -y python3 make g++), then `npm rebuild better-sqlite3`",
      );
      process.exit(1);
    }
  }
  if (!loads("serialport")) say("serialport cannot be loaded: serial modems are disabled, everything else works");
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) latest = Math.max(latest, newest(path));
    else if (/\.(ts|json)$/.test(entry.name)) latest = Math.max(latest, statSync(path).mtimeMs);
  }
  return latest;
}

function build() {
  const stamp = join(root, "dist", ".built");
  const sources = ["src", "drivers", "simulators", "scripts", "bench"].filter((folder) =>
    existsSync(join(root, folder)),
  );
  const latest = Math.max(
    ...["tsconfig.build.json", "package-lock.json", join("scripts", "build.mjs")].map(
      (file) => statSync(join(root, file)).mtimeMs,
    ),
    ...sources.map((folder) => newest(join(root, folder))),
  );
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= latest) return;
  say("building");
  if (run(process.execPath, [join("scripts", "build.mjs")]).status !== 0) process.exit(1);
}

installDebian(runtimePackages, "virtual and real card readers");
if (forTests) {
  // Some of the programs are services that would take hold of real modems: not where they would be started.
  const services = existsSync("/run/systemd/system") ? [] : testPackages.services;
  installDebian([...testPackages.tools, ...services], "the tests with external programs");
}
// Optional npm packages are built against headers of the Debian packages.
installNpm();
checkNative();
build();
