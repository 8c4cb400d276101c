# METADATA
# title: Contain a process tree after a critical alert
# description: >-
#   Cuts the process that a critical alert is about, and all that it starts, off from running programs and from the network
#   for ten minutes. Nothing outside of that tree is touched. It does nothing where the tree would hold a person's session:
#   whoever operates the machine keeps the shell to look into it with.
# schemas:
#   - input: schema.alert
# custom:
#   on: [alert]
#   tags: [TA0002, TA0011]
package enforcement.contain

import data.lib.process

decision contains {
	"action": "deny",
	"hook": hook,
	"scope": {"tree": input.event.process.exec_id},
	"ttl": "10m",
	"mode": mode,
	"reason": input.rule,
} if {
	input.severity == "critical"
	input.event.process.exec_id != ""
	not session
	some hook in ["process_exec", "network_connect"]
}

default mode := "monitor"

mode := "enforce" if data.config.enforce == true

# Why the operator's shell stays out of the tree. The tree is the offending process and what it starts from now on, never its
# parent: a command that was typed into a shell is a child of it. So the shell is in the tree only where the offending process
# is the shell itself, or something that shells of sessions are started from.
session if input.event.process.pid == 1

# A shell on a terminal is somebody's interactive session. A reverse shell has its connection or pipes there instead, and a
# terminal that it makes for itself is below it in the tree that was cut off already.
session if {
	process.is_shell(input.event.process.binary)
	on_terminal
}

# The first program on the terminal of a session, whatever it is called: not every login shell is one that we know.
session if {
	input.event.process.container == null
	on_terminal
	starts_sessions(input.event.parent)
}

# Session programs of the host. In a container the same path says nothing: whoever is in there may have put it there.
session if {
	input.event.process.container == null
	input.event.process.binary in data.lists.session_programs
}

# Without an exec event nothing tells whether a shell is on a terminal: it is taken for one that is.
session if {
	input.event.kind != "process_exec"
	process.is_shell(input.event.process.binary)
}

# PID 1 and systemd's user manager also adopt what was left by its parent, so they say nothing about what they have below.
starts_sessions(parent) if {
	parent.binary in data.lists.session_programs
	parent.pid != 1
	process.name(parent.binary) != "systemd"
}

on_terminal if {
	some stream in input.event.process.stdio
	stream.fd == 0
	stream.type == "tty"
}

# A shell that was told to be interactive and has a terminal to control it, wherever its input comes from at the moment, but
# not from the network.
on_terminal if {
	is_string(input.event.process.tty)
	some stream in input.event.process.stdio
	stream.fd == 0
	not stream.type in {"socket", "pipe", "fifo"}
}
