package enforcement.quarantine_tmp_test

import data.enforcement.quarantine_tmp

alert(rule, container) := {"rule": rule, "message": "m", "event": {"process": {"container": container}}}

test_the_container_of_the_alert if {
	some decision in quarantine_tmp.decision with input as alert("exec-from-tmp", {"id": "3f5c1e0a9b7d"})
	decision.scope == {"container": {"id": "3f5c1e0a9b7d"}}
}

test_not_on_the_host if {
	count(quarantine_tmp.decision) == 0 with input as alert("exec-from-tmp", null)
}

test_not_after_other_alerts if {
	count(quarantine_tmp.decision) == 0 with input as alert("reverse-shell", {"id": "3f5c1e0a9b7d"})
}
