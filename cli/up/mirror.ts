import { copyFileSync, chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { watch } from "chokidar";

/** Keeps a copy of a directory, in which anybody may read, equal to the original. */
export class Mirror {
  readonly #close: () => Promise<void>;

  private constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  /** Resolves when the copy at `to` holds all that is in `from` now. `failed` hears of what cannot be copied. */
  static async start(from: string, to: string, failed: (error: Error) => void): Promise<Mirror> {
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { recursive: true, mode: 0o755 });
    chmodSync(to, 0o755);
    const target = (path: string): string => join(to, relative(from, path));
    const attempt = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") failed(error as Error);
      }
    };
    const watcher = watch(from, {
      ignoreInitial: false,
      ignored: (path) => path !== from && /\/\.git(\/|$)/.test(path),
    });
    const copy = (path: string): void => attempt(() => copyWhole(path, target(path), `${to}.new`));
    watcher.on("add", copy);
    watcher.on("change", copy);
    watcher.on("addDir", (path) => attempt(() => openDir(target(path))));
    watcher.on("unlink", (path) => attempt(() => rmSync(target(path), { force: true })));
    watcher.on("unlinkDir", (path) => attempt(() => rmSync(target(path), { recursive: true, force: true })));
    watcher.on("error", (error) => failed(error as Error));
    await new Promise<void>((resolve) => watcher.once("ready", () => resolve()));
    return new Mirror(() => watcher.close());
  }

  close(): Promise<void> {
    return this.#close();
  }
}

function openDir(dir: string): void {
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o755);
}

/** Copied aside and renamed: a reader never sees half of a file. */
function copyWhole(from: string, to: string, aside: string): void {
  copyFileSync(from, aside);
  chmodSync(aside, 0o644);
  openDir(dirname(to));
  renameSync(aside, to);
}
