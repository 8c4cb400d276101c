import { closeSync, readFileSync, readdirSync } from "node:fs";
import koffi from "koffi";
import { libbpf } from "../../../agent/kernel/libbpf.ts";
import { SharedMaps } from "../../../agent/kernel/object.ts";

const NAME_AT = 24;
const NAME_BYTES = 16;
const INFO_BYTES = 88;

/** The maps of that name which a process holds, for programs of ours that are to use the same. @throws when one is missing */
export function mapsOf(pid: number, names: readonly string[]): SharedMaps {
  const byId = koffi.load("libbpf.so.1").func("int bpf_map_get_fd_by_id(uint32_t)") as (id: number) => number;
  const maps = new SharedMaps();
  for (const id of mapIds(pid)) {
    const fd = byId(id);
    if (fd < 0) continue;
    const name = nameOf(fd);
    if (names.includes(name)) maps.add(name, fd);
    closeSync(fd);
  }
  const missing = names.filter((name) => maps.fd(name) === undefined);
  if (missing.length > 0) throw new Error(`process ${pid} holds no map ${missing.join(", ")}`);
  return maps;
}

function mapIds(pid: number): Set<number> {
  const ids = new Set<number>();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    try {
      const id = /^map_id:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
      if (id !== undefined) ids.add(Number(id));
    } catch {
      // It was closed meanwhile.
    }
  }
  return ids;
}

function nameOf(fd: number): string {
  const info = Buffer.alloc(INFO_BYTES);
  if (libbpf().bpf_obj_get_info_by_fd(fd, info, new Uint32Array([info.length])) < 0) return "";
  return info.toString("latin1", NAME_AT, NAME_AT + NAME_BYTES).replace(/\0.*$/s, "");
}
