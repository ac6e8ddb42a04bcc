# history.awk - a fast-import stream of a long history: awk -v n=1000000 -f history.awk. One commit in ten is a merge of a branch
# of some commits that began a little earlier; the file `value` holds the commit's number.
function commit(first, second) {
	mark++
	printf "commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n", mark, 1000000000 + mark * 60
	if (first) printf "from :%d\n", first
	if (second) printf "merge :%d\n", second
	printf "M 100644 inline value\ndata %d\n%d\n\n", length(mark) + 1, mark
	return mark
}
BEGIN {
	srand(1)
	tip = line[0] = commit(0, 0)
	last = 0
	while (mark < n) {
		side = line[last - int(rand() * (last < 40 ? last : 40))]
		for (i = 0; i < 5 && mark < n; i++) {
			side = commit(side, 0)
			if (mark < n && i < 4) line[++last] = tip = commit(tip, 0)
			delete line[last - 100]
		}
		if (mark < n) line[++last] = tip = commit(tip, side)
	}
	print "done"
}
