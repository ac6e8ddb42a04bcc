/* fuzz_json.c - any text is either refused as a result, or makes every report and is read back from its own JSON. */
#include "bisect_run/report.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct br_text_style style = {.verbose = 1, .width = 80};
	br_auto_free char *text = br_malloc(size + 1);
	br_auto_free char *json = NULL, *again = NULL, *words = NULL, *log = NULL;
	struct br_result r = {0}, back = {0};

	memcpy(text, data, size);
	text[size] = '\0';
	if (br_report_json_read(text, &r, NULL) != 0)
		return 0;
	json = br_report_json(&r);
	words = br_report_text(&r, &style);
	log = br_report_git_log(&r);
	if (br_report_json_read(json, &back, NULL) != 0)
		abort();
	again = br_report_json(&back);
	for (const char *p = words; *p; p++)
		if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
			abort();
	br_result_done(&r);
	br_result_done(&back);
	return 0;
}
