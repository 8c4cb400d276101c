# METADATA
# title: A container in which something was run from a world-writable directory runs nothing from there any more
# description: >-
#   Enforcement to start from: change it, save it, and it is live. It says what it would deny; with REEVE_ENFORCE=1 it denies.
#   Other containers, and the host, are not touched.
# schemas:
#   - input: schema.alert
# custom:
#   on: [alert]
#   tags: [TA0002]
package enforcement.quarantine_tmp

decision contains {
	"action": "deny",
	"hook": "process_exec",
	"match": [{"field": "process.binary", "op": "prefix", "values": ["/tmp/", "/var/tmp/", "/dev/shm/"]}],
	"scope": {"container": {"id": input.event.process.container.id}},
	"ttl": "10m",
	"reason": input.message,
} if {
	input.rule == "exec-from-tmp"
	is_string(input.event.process.container.id)
}
