package enforcement.contain_test

import data.enforcement.contain

lists := {"shells": ["bash", "sh", "dash"], "session_programs": ["/usr/sbin/sshd", "/usr/bin/sudo", "/usr/lib/systemd/systemd"]}

terminal := [{"fd": 0, "type": "tty"}, {"fd": 1, "type": "tty"}, {"fd": 2, "type": "tty"}]

connection := [{"fd": 0, "type": "socket", "family": "ipv4", "daddr": "127.0.0.1", "dport": 9001}]

alert(process) := {
	"id": "a1",
	"rule": "reverse-shell",
	"severity": "critical",
	"event": {"kind": "process_exec", "process": object.union(base, process)},
}

base := {"exec_id": "tree-1", "pid": 4242, "binary": "/usr/bin/bash", "tty": null, "container": null, "stdio": connection}

decisions(input_alert, enforce) := result if {
	result := contain.decision with input as input_alert
		with data.lists as lists
		with data.config as {"enforce": enforce}
}

test_cuts_the_tree_off if {
	found := decisions(alert({}), true)
	{decision.hook | some decision in found} == {"process_exec", "network_connect"}
	every decision in found {
		decision.action == "deny"
		decision.scope == {"tree": "tree-1"}
		decision.ttl == "10m"
		decision.mode == "enforce"
		decision.reason == "reverse-shell"
	}
}

test_monitors_unless_told_to_enforce if {
	found := decisions(alert({}), false)
	count(found) == 2
	every decision in found {
		decision.mode == "monitor"
	}
	unset := contain.decision with input as alert({}) with data.lists as lists with data.config as {}
	every decision in unset {
		decision.mode == "monitor"
	}
}

test_names_nothing_but_the_tree if {
	every decision in decisions(alert({}), true) {
		object.keys(decision.scope) == {"tree"}
		not "match" in object.keys(decision)
		not "force" in object.keys(decision)
		not "fleet" in object.keys(decision)
	}
}

test_only_critical if {
	every severity in ["info", "low", "medium", "high"] {
		decisions(object.union(alert({}), {"severity": severity}), true) == set()
	}
}

test_never_a_shell_on_a_terminal if {
	decisions(alert({"stdio": terminal, "tty": "pts/0"}), true) == set()
	decisions(alert({"stdio": terminal, "tty": "pts/0", "container": {"id": "c"}}), true) == set()
}

test_never_a_shell_of_a_terminal_with_its_input_elsewhere if {
	every type in ["null", "file"] {
		decisions(alert({"tty": "pts/0", "stdio": [{"fd": 0, "type": type}]}), true) == set()
	}
}

test_a_reverse_shell_that_was_typed_into_a_terminal_is_no_session if {
	count(decisions(alert({"tty": "pts/0"}), true)) == 2
	count(decisions(alert({"tty": "pts/0", "stdio": [{"fd": 0, "type": "fifo"}]}), true)) == 2
}

test_a_program_on_a_terminal_is_cut_off_without_its_shell if {
	found := decisions(alert({"binary": "/memfd:x", "stdio": terminal, "tty": "pts/0"}), true)
	every decision in found {
		decision.scope == {"tree": "tree-1"}
	}
	count(found) == 2
}

test_never_pid_1 if decisions(alert({"pid": 1, "binary": "/opt/init"}), true) == set()

test_never_what_sessions_begin_with if {
	every binary in ["/usr/sbin/sshd", "/usr/bin/sudo", "/usr/lib/systemd/systemd"] {
		decisions(alert({"binary": binary, "pid": 4242}), true) == set()
	}
}

test_a_containers_sshd_may_be_anybodys if {
	count(decisions(alert({"binary": "/usr/sbin/sshd", "container": {"id": "c"}}), true)) == 2
}

test_without_an_exec_event_a_shell_is_taken_for_a_session if {
	event := {"kind": "process_exit", "process": {"exec_id": "tree-1", "pid": 7, "binary": "/bin/sh", "container": null}}
	decisions(object.union(alert({}), {"event": event}), true) == {decision |
		some decision in decisions(alert({}), true)
		false
	}
}

test_an_event_without_a_process_decides_nothing if {
	gap := {"severity": "critical", "rule": "x", "event": {"kind": "gap"}}
	decisions(gap, true) == set()
}

test_never_a_login_shell_that_nobody_knows if {
	process := {"binary": "/opt/strange/shell", "stdio": terminal, "tty": "pts/0"}
	under := {"kind": "process_exec", "process": object.union(base, process)}
	login := {"pid": 900, "binary": "/usr/sbin/sshd"}
	decisions(object.union(alert({}), {"event": object.union(under, {"parent": login})}), true) == set()
	adopted := {"pid": 1, "binary": "/usr/lib/systemd/systemd"}
	count(decisions(object.union(alert({}), {"event": object.union(under, {"parent": adopted})}), true)) == 2
}
