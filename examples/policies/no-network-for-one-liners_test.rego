package enforcement.no_network_for_one_liners_test

import data.enforcement.no_network_for_one_liners as policy

test_only_that_tree if {
	found := policy.decision with input as {"rule": "network-one-liner", "message": "m", "event": {"process": {"exec_id": "tree-1"}}}
	{decision.scope | some decision in found} == {{"tree": "tree-1"}}
}

test_nothing_for_other_rules if {
	policy.decision == set() with input as {"rule": "other", "message": "m", "event": {"process": {"exec_id": "tree-1"}}}
}
