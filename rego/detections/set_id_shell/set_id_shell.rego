# METADATA
# title: Shell with a set-id bit
# description: >-
#   A shell was run from a file that gives its owner's rights to whoever runs it, or kept rights that it was handed: the usual
#   way to leave a door open. No distribution ships such a file.
# schemas:
#   - input: schema.process_exec
# custom:
#   id: set-id-shell
#   on: [process_exec]
#   severity: critical
#   tags: [T1548.001, TA0004]
#   dedupe: {by: [process.binary, process.uid, process.container.id], within: 5m}
package detections.set_id_shell

import data.lib.process

alert contains {"message": message} if {
	some kind in set_id
	looks_like_shell
	message := sprintf("%s was run by uid %d with the set-%s-id bit", [input.process.binary, input.process.uid, kind])
}

set_id contains "user" if {
	is_number(input.process.binary_properties.setuid)
	input.process.binary_properties.setuid != input.process.uid
}

set_id contains "group" if {
	is_number(input.process.binary_properties.setgid)
	input.process.binary_properties.setgid != input.process.credentials.gid
}

looks_like_shell if process.is_shell(input.process.binary)

# A copy under another name: "-p" keeps the rights, and a program of the system's own would not lie there.
looks_like_shell if {
	regex.match(`^-[a-z]*p[a-z]*( |$)`, input.process.arguments)
	not regex.match(`^/(usr/(local/)?)?(s?bin|lib|lib64|libexec)/`, input.process.binary)
}
