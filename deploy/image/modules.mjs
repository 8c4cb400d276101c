// Copies npm packages with all that they depend on from ./node_modules into a directory, without what only people read.
//   node modules.mjs DIR PACKAGE...
import { cpSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const [into = "", ...wanted] = process.argv.slice(2);
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));

const UNREAD = /\.(?:md|markdown|map|d\.[cm]?ts)$/;
/** @type {Set<string>} */
const copied = new Set();
/** @type {[string, string][]} from which package, what it wants */
const todo = wanted.map((name) => ["", name]);

for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
  const [from, name] = next;
  const place = find(from, name);
  // An optional package that is for other machines is not installed.
  if (place === undefined || copied.has(place)) continue;
  copied.add(place);
  const entry = packages[place];
  for (const other of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) todo.push([place, other]);
  cpSync(place, join(into, place.slice("node_modules/".length)), {
    recursive: true,
    filter: (file) => file === place || !(UNREAD.test(basename(file)) || basename(file) === "node_modules"),
  });
}
for (const name of wanted) {
  if (!copied.has(`node_modules/${name}`)) throw new Error(`${name} is not installed`);
}

/**
 * Where Node would find a package that another one wants.
 * @param {string} from
 * @param {string} name
 */
function find(from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const place = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (existsSync(place) && packages[place] !== undefined) return place;
    if (at === "") return undefined;
  }
}
