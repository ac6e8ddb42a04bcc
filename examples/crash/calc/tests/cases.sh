#!/bin/sh
# Each line of cases.txt is an expression and its value, with an equals sign between them.
failed=0
while IFS='=' read -r expression want; do
	got=$(echo "$expression" | ./calc 2>&1)
	if [ "$got" != "$want" ]; then
		echo "$expression: expected $want, got $got"
		failed=1
	fi
done <tests/cases.txt
exit $failed
