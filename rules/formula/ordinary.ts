/**
 * What fields of events mostly hold: an atom that these meet is a poor way to find the rules of an event. Not a measure of
 * anything, only better than the length of a text alone.
 */
export const ORDINARY_PATHS = (
  "/usr/bin/bash /usr/bin/dash /bin/sh /usr/bin/sh /bin/bash /usr/bin/zsh /usr/bin/ls /usr/bin/cat /usr/bin/grep /usr/bin/sed /usr/bin/awk /usr/bin/mawk " +
  "/usr/bin/find /usr/bin/env /usr/bin/id /usr/bin/date /usr/bin/cut /usr/bin/tr /usr/bin/sort /usr/bin/head /usr/bin/tail /usr/bin/uname /usr/bin/dirname " +
  "/usr/bin/basename /usr/bin/readlink /usr/bin/rm /usr/bin/cp /usr/bin/mv /usr/bin/mkdir /usr/bin/chmod /usr/bin/chown /usr/bin/touch /usr/bin/ps /usr/bin/sleep " +
  "/usr/bin/git /usr/bin/make /usr/bin/gcc /usr/bin/cc /usr/bin/ld /usr/bin/python3.11 /usr/bin/python3 /usr/bin/perl /usr/bin/node /usr/bin/ssh /usr/bin/curl " +
  "/usr/bin/wget /usr/bin/tar /usr/bin/gzip /usr/bin/systemctl /usr/bin/journalctl /usr/bin/sudo /usr/bin/dpkg /usr/bin/apt-get /usr/bin/docker /usr/bin/nc " +
  "/usr/lib/systemd/systemd /lib/systemd/systemd /usr/sbin/sshd /usr/sbin/cron /usr/sbin/nginx /usr/sbin/php-fpm8.2 /usr/sbin/runc /usr/bin/containerd-shim-runc-v2 " +
  "/usr/local/bin/node /usr/local/bin/python3 /usr/local/bin/entrypoint.sh /opt/app/bin/server /home/ada/bin/tool /var/lib/dpkg/info/x.postinst /usr/lib/git-core/git " +
  "/etc/cron.daily/logrotate /usr/libexec/sudo/sesh /usr/lib/apt/methods/http / /root /home/ada /srv /var/www/html /app"
).split(" ");

export const ORDINARY_ARGUMENTS = [
  ...[
    "",
    "",
    "",
    "-c true",
    "-la",
    "-l /tmp",
    "-al --color=auto",
    "-i",
    "-r -",
    "-n 1",
    "-u",
    "-p /var/lib/app",
    "-rf build",
    "-sSL https://example.org/x",
  ],
  ...[
    "-c /usr/bin/test -x /usr/sbin/anacron",
    "-c cd /app && npm start",
    "--version",
    "-V",
    "status",
    "rev-parse --git-dir",
    "show -s --format=%h",
  ],
  ...[
    "-o /tmp/cc1.o -c main.c",
    "-E s/a/b/ file.txt",
    "-q pattern /etc/passwd",
    "-q -s foo",
    "+%s",
    "-d : -f 1",
    "-- /usr/bin/app --port 8080",
    "-m http.server",
  ],
  ...[
    "/usr/local/bin/app.js --config /etc/app.json",
    "-e console.log(1)",
    "-u www-data -g www-data",
    "is-active nginx.service",
    "restart nginx",
    "-t nat -L",
  ],
  ...[
    "xzf archive.tar.gz",
    "-xzf /tmp/a.tgz -C /opt",
    "exec -i shop sh -c ls",
    "-H Accept: application/json http://10.0.0.5:8080/health",
    "-aux",
    "-ef",
    "0.5",
    "10",
  ],
  ...[
    "init",
    "-root /var/run/docker/runtime-runc/moby --log /run/log.json",
    "install -y curl",
    "-p 22 user@host.example.org",
    "/etc/cron.daily",
    "-name *.log -delete",
  ],
  ...[
    "{print $1}",
    "-n",
    "-e",
    "-s",
    "755 /srv/x",
    "root:root /srv/x",
    "-f -a",
    "-A",
    "-",
    "/home/ada/project/build.sh --release",
  ],
];
