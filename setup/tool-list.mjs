/**
 * Tools that are not Debian packages, in the versions that the project is made and tested with.
 *
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} version        what is installed; a newer one of the same major version on PATH serves too
 * @property {string[]} ask          arguments that make it tell its version
 * @property {string} goPackage      for `go install`
 * @property {string} goTime         how long that takes, for whoever waits
 * @property {(arch: "amd64" | "arm64") => Release} release  the official binary
 *
 * @typedef {object} Release
 * @property {string} url
 * @property {string} checksums  the SHA-256 file that is published beside it
 * @property {string} file       its name in that file
 * @property {string | undefined} member  the path inside the archive; undefined when the download is the binary
 */

/** @type {Tool[]} */
export const TOOLS = [
  {
    name: "opa",
    version: "1.22.2",
    ask: ["version"],
    goPackage: "github.com/open-policy-agent/opa@v1.22.2",
    goTime: "about 90 s",
    release: (arch) => {
      const file = `opa_linux_${arch}_static`;
      const base = "https://github.com/open-policy-agent/opa/releases/download/v1.22.2";
      return { url: `${base}/${file}`, checksums: `${base}/${file}.sha256`, file, member: undefined };
    },
  },
  {
    name: "nats-server",
    version: "2.15.2",
    ask: ["--version"],
    goPackage: "github.com/nats-io/nats-server/v2@v2.15.2",
    goTime: "about 30 s",
    release: (arch) => {
      const dir = `nats-server-v2.15.2-linux-${arch}`;
      const base = "https://github.com/nats-io/nats-server/releases/download/v2.15.2";
      const file = `${dir}.tar.gz`;
      return { url: `${base}/${file}`, checksums: `${base}/SHA256SUMS`, file, member: `${dir}/nats-server` };
    },
  },
];
