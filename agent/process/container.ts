/** Runtimes whose cgroup names carry a container's id behind a prefix: `docker-<id>.scope` and the like. */
const PREFIXES = /^(?:docker|cri-containerd|containerd|crio|crio-conmon|libpod|libpod-conmon|nerdctl|lxc)-/;
const CONMON = /^(?:crio|libpod)-conmon-/;
const ID = /^[0-9a-f]{64}$/;

/**
 * The id of the container that a cgroup path belongs to, or null. Knows docker (`/docker/<id>`, `docker-<id>.scope`),
 * containerd and CRI (`/<namespace>/<id>`, `cri-containerd-<id>.scope`, `...:cri-containerd:<id>`), cri-o
 * (`crio-<id>.scope`), podman (`libpod-<id>.scope`, `/libpod_parent/libpod-<id>`), and their forms below kubepods. The
 * outermost container counts, so that what a container nests belongs to it; a monitor process (conmon) is in none.
 */
export function containerIdOf(path: string): string | null {
  if (path.length < 64) return null;
  for (const part of path.split("/")) {
    if (part.length < 64) continue;
    const name = part.endsWith(".scope") || part.endsWith(".service") ? part.slice(0, part.lastIndexOf(".")) : part;
    if (CONMON.test(name)) return null;
    // containerd's systemd form before the driver is named right: kubepods-burstable-pod<uid>.slice:cri-containerd:<id>
    const bare = name.slice(name.lastIndexOf(":") + 1).replace(PREFIXES, "");
    if (ID.test(bare)) return bare;
  }
  return null;
}
