import { defineHook, mask, number, own, text } from "./define.ts";

/** include/uapi/asm-generic/fcntl.h, as the kernel has them on x86-64 and arm64 alike but for those that are left out. */
const FLAGS = {
  O_WRONLY: 0o1,
  O_RDWR: 0o2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_SYNC: 0o4010000,
};

/** "major:minor" as the kernel's dev_t. */
function device(text: string): number | undefined {
  const parts = /^(\d{1,4}):(\d{1,7})$/.exec(text);
  if (parts === null) return undefined;
  const [major, minor] = [Number(parts[1]), Number(parts[2])];
  return major < 1 << 12 && minor < 1 << 20 ? major * (1 << 20) + minor : undefined;
}

/** bpf/file.bpf.c. */
export const FILE_OPEN = defineHook({
  hook: "file_open",
  number: 2,
  own: {
    "file.path": text(own(0)),
    "file.inode": number(own(3), Number.MAX_SAFE_INTEGER),
    "file.device": { type: "number", operand: own(4), most: 0xffff_ffff, named: device, names: `"major:minor"` },
    "file.flags": mask(own(5), FLAGS),
  },
});
