import { expect, test } from "vitest";
import { containerIdOf } from "../../../agent/process/container.ts";

const ID = "3f5c1e0a9b7d4c2e8f6a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e";
const OTHER = ID.replaceAll("3", "4");

const CASES: [name: string, path: string, id: string | null][] = [
  ["docker, cgroupfs", `/docker/${ID}`, ID],
  ["docker, systemd", `/system.slice/docker-${ID}.scope`, ID],
  ["docker, inside a user's slice", `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`, ID],
  ["docker, a process below the container's own cgroup", `/docker/${ID}/init.scope`, ID],
  ["docker in docker: the outermost", `/docker/${ID}/docker/${OTHER}`, ID],
  ["containerd, cgroupfs", `/default/${ID}`, ID],
  ["containerd, kubepods cgroupfs", `/kubepods/burstable/pod2d3a9b1c-1111-2222-3333-444455556666/${ID}`, ID],
  [
    "containerd, kubepods systemd",
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2d3a9b1c_1111_2222_3333_444455556666.slice/cri-containerd-${ID}.scope`,
    ID,
  ],
  [
    "containerd, systemd driver not set in containerd",
    `/system.slice/containerd.service/kubepods-besteffort-pod2d3a9b1c.slice:cri-containerd:${ID}`,
    ID,
  ],
  ["guaranteed pods", `/kubepods.slice/kubepods-pod2d3a9b1c.slice/cri-containerd-${ID}.scope`, ID],
  ["kind and other nested kubelets", `/kubelet.slice/kubelet-kubepods.slice/cri-containerd-${ID}.scope`, ID],
  ["cri-o, systemd", `/kubepods.slice/kubepods-besteffort.slice/kubepods-pod1.slice/crio-${ID}.scope`, ID],
  ["cri-o, container subdirectory", `/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope/container`, ID],
  ["cri-o's monitor is in no container", `/kubepods.slice/kubepods-pod1.slice/crio-conmon-${ID}.scope`, null],
  ["podman as root", `/machine.slice/libpod-${ID}.scope/container`, ID],
  ["podman, cgroupfs", `/libpod_parent/libpod-${ID}`, ID],
  ["podman without root", `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`, ID],
  ["podman's monitor", `/machine.slice/libpod-conmon-${ID}.scope`, null],
  ["nerdctl", `/system.slice/nerdctl-${ID}.scope`, ID],
  ["root", "/", null],
  ["a service", "/system.slice/ssh.service", null],
  ["a pod's own cgroup", "/kubepods.slice/kubepods-pod2d3a9b1c_1111_2222_3333_444455556666.slice", null],
  ["a short id", `/docker/${ID.slice(0, 12)}`, null],
  ["not hexadecimal", `/docker/${ID.replace("3", "g")}`, null],
  ["too long", `/docker/${ID}0`, null],
  ["upper case", `/docker/${ID.toUpperCase()}`, null],
  ["an id somewhere in a name", `/docker/x${ID}`, null],
  ["buildkit", `/docker/buildkit/${ID}`, ID],
];

test.each(CASES)("%s", (_, path, id) => {
  expect(containerIdOf(path)).toBe(id);
});
