# METADATA
# title: Cut an interpreter that was given network code off from the network
# description: >-
#   The process and all that it starts may connect to nothing but this host itself for five minutes. What else it does
#   goes on, and nothing outside of that tree is touched.
# schemas:
#   - input: schema.alert
# custom: {on: [alert], tags: [TA0011]}
package enforcement.no_network_for_one_liners

decision contains {
	"action": "deny",
	"hook": "network_connect",
	"match": [{"field": "socket.daddr", "op": "notCidr", "values": ["127.0.0.0/8", "::1/128"]}],
	"scope": {"tree": input.event.process.exec_id},
	"ttl": "5m",
	"mode": "enforce",
	"reason": input.message,
} if {
	input.rule == "network-one-liner"
}
