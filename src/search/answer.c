/* answer.c - ownership of answers. */
#include "bisect_run/strategy.h"

#include <stdlib.h>
#include <string.h>

void br_answer_done(struct br_answer *answer)
{
	free(answer->item);
	free(answer->base);
	memset(answer, 0, sizeof *answer);
}
