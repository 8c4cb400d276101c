# METADATA
# title: Program run from a hidden directory
# description: >-
#   A directory whose name begins with a dot is not shown by ls: a common place for what is to stay unseen. Where people
#   install programs of their own below such a directory, the list hidden_but_fine says so.
# schemas:
#   - input: schema.process_exec
# custom:
#   id: hidden-program
#   on: [process_exec]
#   severity: medium
#   tags: [T1564.001, TA0005]
#   dedupe: {by: [process.binary, process.container.name], within: 5m}
#   exceptions:
#     - {name: tools-of-reeve, when: '$contains(process.binary, "/.reeve/")'}
package detections.hidden_program

alert contains {"message": message} if {
	regex.match(`/\.[^/]+/`, input.process.binary)
	not strings.any_prefix_match(input.process.binary, data.lists.hidden_but_fine)
	message := sprintf("%s was run by uid %d", [input.process.binary, input.process.uid])
}
