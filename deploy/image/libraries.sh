#!/bin/sh
# Copies the shared libraries that a program or library needs to the same places below a directory, the dynamic loader
# among them; a library that is named is copied too.
#   libraries.sh DIR FILE
set -eu

into=$1
file=$2

copy() {
	mkdir -p "$into$(dirname "$1")"
	# What a link points to, under the name that is looked for.
	cp -L "$1" "$into$1"
}

ldd "$file" | sed -n 's/^.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (0x.*/\1/p' | while read -r library; do
	copy "$library"
done
case $file in
	*.so.*) copy "$file" ;;
esac
