/**
 * Enforcement in Rego as a user writes it: cuts the tree of one binary off from exec and network for `ttl`. `binary` is its
 * whole path, or the end of it.
 */
export const cutOff = (name: string, binary: string, ttl: string): string => `# METADATA
# title: Cut off what the test started
# custom: {on: [alert]}
package enforcement.${name}

decision contains {
	"action": "deny",
	"hook": hook,
	"mode": "enforce",
	"scope": {"tree": input.event.process.exec_id},
	"ttl": "${ttl}",
	"reason": input.rule,
} if {
	input.rule == "exec-from-tmp"
	endswith(input.event.process.binary, "${binary}")
	some hook in ["process_exec", "network_connect"]
}
`;
