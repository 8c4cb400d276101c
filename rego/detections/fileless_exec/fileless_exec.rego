# METADATA
# title: Program run from memory
# description: >-
#   The executed file was made by memfd_create and lies on no disk, where nobody can look at it afterwards. Container runtimes
#   do that with a copy of themselves, to keep containers from writing to their binary; hardly anything else does.
# schemas:
#   - input: schema.process_exec
# custom:
#   id: fileless-exec
#   on: [process_exec]
#   severity: critical
#   tags: [T1620, T1055.009, TA0005]
#   dedupe: {by: [process.exec_id], within: 1m}
package detections.fileless_exec

import data.lib.process

alert contains {"message": message} if {
	input.process.binary_properties.memfd
	not container_runtime
	message := sprintf("%s was run from memory by uid %d", [
		input.process.binary,
		input.process.uid,
	])
}

# runc and its kin execute a sealed copy of themselves: the image that is replaced is the runtime, and the copy is named so.
container_runtime if {
	process.name(input.process.previous.binary) in data.lists.container_runtimes
	regex.match(`^/?memfd:(runc_cloned:|crun|youki|libcrun)`, input.process.binary)
}

# The copy executes itself once more on its way into the container.
container_runtime if {
	regex.match(`^/?memfd:(runc_cloned:|crun|youki|libcrun)`, input.process.binary)
	process.name(input.parent.binary) in data.lists.container_runtimes
}
