/** A file of an initial RAM filesystem. A directory has no content. */
export interface InitrdEntry {
  path: string;
  mode: number;
  content?: Buffer;
}

/** The archive (cpio, "newc") that a kernel unpacks as its first root. Not compressed: it never leaves this machine. */
export function initrd(entries: readonly InitrdEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => member(entry.path, entry.mode, entry.content, index + 1));
  return Buffer.concat([...parts, ...member("TRAILER!!!", 0, undefined, 0)]);
}

function member(path: string, mode: number, content: Buffer = Buffer.alloc(0), inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, mtime, size, device (two), rdevice (two), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return [padded(Buffer.concat([header, name])), padded(content)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
