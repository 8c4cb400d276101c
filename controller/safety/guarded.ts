const DIRECTORIES = ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

const SHELLS = [
  "sh",
  "bash",
  "rbash",
  "dash",
  "ash",
  "zsh",
  "zsh5",
  "ksh",
  "ksh93",
  "mksh",
  "fish",
  "tcsh",
  "csh",
  "busybox",
];
const INTERPRETERS = [
  ...["python", "python2", "python2.7", "python3", "pypy3", "perl", "ruby", "node", "nodejs", "php", "lua", "luajit"],
  ...["tclsh", "awk", "gawk", "mawk", "env"],
];
const LOGINS = [
  ...["login", "su", "sudo", "sudoedit", "doas", "runuser", "sulogin", "getty", "agetty", "mingetty", "newgrp", "sg"],
  ...["chroot", "nsenter", "systemctl", "loginctl", "unix_chkpwd", "cron", "crond"],
];
const SSH = ["sshd", "sshd-session", "sshd-auth", "dropbear", "in.sshd"];
const PACKAGE_MANAGERS = [
  ...["apt", "apt-get", "apt-cache", "aptitude", "dpkg", "dpkg-deb", "dnf", "dnf-3", "dnf5", "microdnf", "yum", "rpm"],
  ...["zypper", "pacman", "apk", "emerge", "nix", "nix-env", "xbps-install", "snap", "flatpak", "unattended-upgrade"],
];
/** Where distributions keep such programs outside of the binary directories. */
const ELSEWHERE = [
  ...[
    "/lib/systemd/systemd",
    "/lib/systemd/systemd-logind",
    "/usr/lib/systemd/systemd",
    "/usr/lib/systemd/systemd-logind",
  ],
  ...["/usr/lib/systemd/systemd-executor", "/usr/lib/openssh/sshd-session", "/usr/lib/openssh/sshd-auth"],
  ...["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sshd-session", "/usr/libexec/openssh/sftp-server"],
  ...[
    "/usr/libexec/sudo/sudo",
    "/usr/lib/apt/methods/http",
    "/usr/lib/apt/methods/https",
    "/usr/libexec/platform-python",
  ],
  ...["/usr/lib/cargo/bin/coreutils/env", "/lib/apk/exec", "/bin/su-exec"],
];

/**
 * The files without which a person can no longer enter or repair a host, by the paths at which the kernel sees them.
 * Interpreters carry their version in the file that the kernel names (`/usr/bin/python3.13`), so versions are spelled out.
 */
export const GUARDED_BINARIES: readonly string[] = [
  ...DIRECTORIES.flatMap((directory) =>
    [...SHELLS, ...INTERPRETERS, ...versions(), ...LOGINS, ...SSH, ...PACKAGE_MANAGERS].map(
      (name) => `${directory}/${name}`,
    ),
  ),
  ...ELSEWHERE,
];

function versions(): string[] {
  const names: string[] = [];
  for (let minor = 4; minor <= 30; minor++)
    names.push(`python3.${minor}`, `perl5.${2 * minor}.0`, `perl5.${2 * minor}.1`);
  for (let major = 7; major <= 9; major++) for (let minor = 0; minor <= 9; minor++) names.push(`php${major}.${minor}`);
  for (let major = 2; major <= 4; major++) for (let minor = 0; minor <= 9; minor++) names.push(`ruby${major}.${minor}`);
  for (let minor = 1; minor <= 5; minor++) names.push(`lua5.${minor}`);
  return names;
}
