#!/bin/sh
# A long sum, as in the bug report: the value must be right, and calc must not die. Passes on its exit status.
long=1
i=1
while [ $i -lt 100 ]; do
	long="$long + 1"
	i=$((i + 1))
done
got=$(echo "$long" | ./calc) || exit
[ "$got" = 100 ] || { echo "the sum of 100 ones is $got"; exit 1; }
