/* symbol.c - names an address by DWARF where there is some, else by the symbol table. */
#include "stack/symbol.h"

#include "base/buf.h"
#include "base/mem.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <string.h>

enum { SCOPES_MAX = 64, NAME_MAX_B = 1024 };

/* One address under way. */
struct place {
	struct br_thread *thread;
	Dwfl_Module *module;
	const char *module_name, *file;
	int line;
};

/* The path as the process sees it: without the way through /proc by which it was opened. */
static const char *seen_path(const char *path)
{
	const char *p = path;

	if (strncmp(p, "/proc/", 6) != 0)
		return path;
	p += 6;
	p += strspn(p, "0123456789");
	return strncmp(p, "/root/", 6) == 0 ? p + 5 : path;
}

static void add(struct place *p, const char *function, bool inlined)
{
	struct br_frame *f = br_thread_add(p->thread, function, p->file, p->line);

	f->module = br_strdup_or_null(p->module_name);
	f->inlined = inlined;
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_union_type;
}

/* Where the function was declared: there its namespaces and classes are around it. */
static void declaration(Dwarf_Die *die, Dwarf_Die *out)
{
	Dwarf_Attribute attr;
	Dwarf_Die next;

	*out = *die;
	for (int i = 0; i < 4; i++) {
		if (!dwarf_attr(out, DW_AT_abstract_origin, &attr) &&
		    !dwarf_attr(out, DW_AT_specification, &attr))
			return;
		if (!dwarf_formref_die(&attr, &next))
			return;
		*out = next;
	}
}

/* "ns::Class::function"; the caller frees; NULL: it has no name. */
static char *full_name(Dwarf_Die *die)
{
	Dwarf_Die where, *scope = NULL;
	const char *name;
	struct br_buf b = {.max = NAME_MAX_B};
	int n;

	declaration(die, &where);
	name = dwarf_diename(&where);
	if (!name)
		return NULL;
	n = dwarf_getscopes_die(&where, &scope);
	for (int i = n - 1; i > 0; i--) {
		const char *outer = is_scope(dwarf_tag(&scope[i])) ? dwarf_diename(&scope[i]) : NULL;

		if (outer) {
			br_buf_str(&b, outer);
			br_buf_str(&b, "::");
		}
	}
	free(scope);
	br_buf_str(&b, name);
	return br_buf_take(&b);
}

/* The place of the call becomes that of the next frame. */
static void go_to_caller(struct place *p, Dwarf_Die *cu, Dwarf_Die *inlined)
{
	Dwarf_Attribute attr;
	Dwarf_Word line = 0, file = 0;
	Dwarf_Files *files;
	size_t n;

	p->line = 0;
	p->file = NULL;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &line) == 0 && line < INT32_MAX)
		p->line = (int)line;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &file) == 0 &&
	    dwarf_getsrcfiles(cu, &files, &n) == 0 && file < n)
		p->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void from_symbols(struct place *p, Dwarf_Addr pc)
{
	const char *name = dwfl_module_addrname(p->module, pc);

	add(p, name, false);
}

/* The compilation unit; NULL: no debug information covers it. clang writes no table of address ranges: then all units are asked. */
static Dwarf_Die *unit_of(struct place *p, Dwarf_Addr pc, Dwarf_Addr *bias)
{
	Dwarf_Die *cu = dwfl_module_addrdie(p->module, pc, bias);

	if (cu)
		return cu;
	while ((cu = dwfl_module_nextcu(p->module, cu, bias)))
		if (dwarf_haspc(cu, pc - *bias) == 1)
			return cu;
	return NULL;
}

static void find_line(struct place *p, Dwarf_Addr pc)
{
	Dwfl_Line *known = dwfl_module_getsrc(p->module, pc);
	Dwarf_Addr bias = 0;
	Dwarf_Die *cu;
	Dwarf_Line *line;

	if (known) {
		p->file = dwfl_lineinfo(known, NULL, &p->line, NULL, NULL, NULL);
		return;
	}
	cu = unit_of(p, pc, &bias);
	line = cu ? dwarf_getsrc_die(cu, pc - bias) : NULL;
	if (line && dwarf_lineno(line, &p->line) == 0)
		p->file = dwarf_linesrc(line, NULL, NULL);
}

/* False: no debug information covers it. */
static bool from_dwarf(struct place *p, Dwarf_Addr pc)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *cu = unit_of(p, pc, &bias);
	Dwarf_Die *scope = NULL;
	int n = cu ? dwarf_getscopes(cu, pc - bias, &scope) : 0;
	bool found = false;

	for (int i = 0; i < n && i < SCOPES_MAX && !found; i++) {
		int tag = dwarf_tag(&scope[i]);
		br_auto_free char *name = NULL;

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		name = full_name(&scope[i]);
		if (tag == DW_TAG_subprogram && !name)
			break;
		add(p, name, tag == DW_TAG_inlined_subroutine);
		found = tag == DW_TAG_subprogram;
		if (!found)
			go_to_caller(p, cu, &scope[i]);
	}
	free(scope);
	return found;
}

void br_symbol_add(struct br_thread *t, Dwfl *dwfl, Dwarf_Addr pc)
{
	struct place p = {.thread = t, .module = dwfl_addrmodule(dwfl, pc)};

	if (!p.module) {
		add(&p, NULL, false);
		return;
	}
	p.module_name = seen_path(dwfl_module_info(p.module, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
	find_line(&p, pc);
	if (!from_dwarf(&p, pc))
		from_symbols(&p, pc);
}
