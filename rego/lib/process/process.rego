# METADATA
# title: What programs are
# description: Names and kinds of programs, the same way for all rules.
package lib.process

# The last part of a path: "bash" of "/usr/bin/bash".
name(path) := parts[count(parts) - 1] if parts := split(path, "/")

# The same without a version: "python" of "/usr/bin/python3.11", "php-fpm" of "/usr/sbin/php-fpm8.2".
family(path) := trim_right(name(path), "0123456789.-")

is_shell(path) if name(path) in data.lists.shells

is_interpreter(path) if is_shell(path)

is_interpreter(path) if family(path) in data.lists.interpreters

is_web_server(path) if name(path) in data.lists.web_servers

is_web_server(path) if family(path) in data.lists.web_servers

is_super_server(path) if name(path) in data.lists.super_servers

is_relay(path) if name(path) in data.lists.relays

# A shell is told to be interactive: -i, alone or among other short options; "-c" beside it runs one command instead. What
# comes after the first operand is not the shell's own.
interactive(arguments) if {
	regex.match(`^(-\S+ )*-[a-zA-Z]*i[a-zA-Z]*( |$)`, arguments)
	not regex.match(`^(-\S+ )*-[a-zA-Z]*c[a-zA-Z]*( |$)`, arguments)
}
