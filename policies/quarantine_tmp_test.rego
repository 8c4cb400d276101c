package enforcement.quarantine_tmp_test

import data.enforcement.quarantine_tmp

alert(rule, container) := {"rule": rule, "message": "m", "event": {"process": {"container": container}}}

test_the_container_of_the_alert if {
	some decision in quarantine_tmp.decision with input as alert("exec-from-tmp", {"name": "shop-web"})
	decision.scope == {"container": {"name": "shop-web"}}
}

test_not_on_the_host if {
	count(quarantine_tmp.decision) == 0 with input as alert("exec-from-tmp", null)
}

test_not_after_other_alerts if {
	count(quarantine_tmp.decision) == 0 with input as alert("reverse-shell", {"name": "shop-web"})
}
