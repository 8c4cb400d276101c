# METADATA
# title: Programs from world-writable directories stay off the network
# description: >-
#   Evaluated outside of Reeve, by any OPA. `input` is an alert as it stands on reeve.alerts.>; what is in the set is
#   published as it is on reeve.decisions.<decider>.<policy>.
package soc.no_network

decision contains {
	"action": "deny",
	"hook": "network_connect",
	"scope": {"tree": input.event.process.exec_id},
	"ttl": "5m",
	"mode": "enforce",
	"reason": sprintf("soc: %s", [input.message]),
	"because": {"alert": input.id, "event": input.event.id},
} if {
	input.rule == "exec-from-tmp"
}
