/** Writes a line; waits where the reader is slower, so that a long stream does not pile up in memory. */
export async function printLine(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      process.stdout.off("drain", done).off("close", done);
      resolve();
    };
    process.stdout.once("drain", done).once("close", done);
  });
}

/** A note for the person, not for the pipe. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A reader that went away (`reeve events | head`) ends the process quietly: what it asked for it got. */
export function endWhenReaderLeaves(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  }
}
