# METADATA
# title: Shell started by a web server
# description: >-
#   A web server or the application in it started a shell: a command injection or a web shell, or an application that calls
#   programs by way of a shell.
# schemas:
#   - input: schema.process_exec
# custom:
#   id: shell-from-web-server
#   on: [process_exec]
#   severity: high
#   tags: [T1505.003, T1190, T1059.004, TA0003]
#   dedupe: {by: [parent.binary, process.arguments, process.container.id], within: 5m}
#   exceptions:
#     # mail() of PHP
#     - {name: sendmail, when: '$contains(process.arguments, /^-c "?\/usr\/(s?bin|lib)\/sendmail( -[a-zA-Z]+( [\w.@+-]+)?)*"?$/)'}
#     # Apache's piped logs, started with the server
#     - {name: piped-logs, when: '$contains(process.arguments, /^-c "?(exec )?\/usr\/s?bin\/(rotatelogs|cronolog|logger)( [\w\/.%:+-]+)*"?$/)'}
package detections.shell_from_web_server

import data.lib.process

alert contains {"message": message} if {
	process.is_shell(input.process.binary)
	process.is_web_server(server)
	not cgi_script
	message := trim_space(sprintf("%s started %s %s", [server, input.process.binary, input.process.arguments]))
}

# The image that fork() copied: the server itself, also where its parent has ended since.
server := input.process.previous.binary if process.is_web_server(input.process.previous.binary)

server := input.parent.binary if not process.is_web_server(input.process.previous.binary)

# A script with a shebang that the server runs itself is a CGI program: that is what it is there for.
cgi_script if {
	is_string(input.process.script)
	process.is_web_server(input.process.previous.binary)
}
