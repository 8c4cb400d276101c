/**
 * The kernels that the guests of test/guests run: Debian's, each from the suite that still mends it.
 *
 * @typedef {object} GuestKernel
 * @property {string} name     how tests and people call it: a release, or "newest"
 * @property {"debian" | "debian-security"} archive
 * @property {string} suite
 */

/** @type {GuestKernel[]} */
export const GUEST_KERNELS = [
  { name: "5.10", archive: "debian-security", suite: "bullseye-security" },
  { name: "6.1", archive: "debian-security", suite: "bookworm-security" },
  { name: "6.12", archive: "debian", suite: "bookworm-backports" },
  { name: "newest", archive: "debian", suite: "sid" },
];

/** The one whose tests belong to `npm test`. */
export const TEST_KERNEL = "6.12";

/** What the guest's init needs of the kernel's modules, where they are not built in: its root, its shares, its output. */
export const GUEST_MODULES = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"];

/** Where a kernel lies once it was fetched: `vmlinuz`, the modules in the order to load them, and `kernel.json`. */
export const GUESTS_DIR = ".reeve/guests";
