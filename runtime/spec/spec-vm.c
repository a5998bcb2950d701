/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"

/* config-vm.md. The parts are flat in struct spec_vm. */

static const struct json_field hypervisor_fields[] = {
	JSON_STRING_ROW(struct spec_vm, hypervisor_path, "path", .flags = JSON_REQUIRED),
	JSON_STRINGS_ROW(struct spec_vm, hypervisor_parameters, "parameters"),
};
static const struct json_table hypervisor_table = JSON_TABLE(struct spec_vm, hypervisor_fields);

static const struct json_field kernel_fields[] = {
	JSON_STRING_ROW(struct spec_vm, kernel_path, "path", .flags = JSON_REQUIRED),
	JSON_STRINGS_ROW(struct spec_vm, kernel_parameters, "parameters"),
	JSON_STRING_ROW(struct spec_vm, kernel_initrd, "initrd", .flags = JSON_EMPTY_UNSET),
};
static const struct json_table kernel_table = JSON_TABLE(struct spec_vm, kernel_fields);

/* The monitor has no decoder for the other formats, and will not get parsers of untrusted ones. */
static int decode_format(struct json_decoder *d, const struct json_node *node, void *object)
{
	(void)object;
	if (json_decode_expect(d, node, JSON_STRING) < 0)
		return -1;
	const struct json_name *found =
		json_enum_find(&spec_image_formats, node->text, node->count);
	if (!found)
		return json_decode_fail(
			d, node, "unknown %s \"%.*s\": must be one of raw, qcow2, vdi, vmdk, vhd",
			spec_image_formats.what, SHOWN(node->text));
	if (found->value)
		return json_decode_fail_kind(d, ERR_UNSUPPORTED, node,
					     "\"%s\" is not supported: convert the image to raw "
					     "(qemu-img convert -O raw)",
					     node->text);
	return 0;
}

static const struct json_field image_fields[] = {
	JSON_STRING_ROW(struct spec_vm, image_path, "path", .flags = JSON_REQUIRED),
	JSON_CUSTOM_ROW("format", decode_format, .flags = JSON_REQUIRED),
};
static const struct json_table image_table = JSON_TABLE(struct spec_vm, image_fields);

static int finish_iomem(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct spec_vm_iomem *io = object;
	const struct json_node *gfn = json_tree_member(node, "firstGFN");

	(void)d;
	if (!gfn || gfn->kind == JSON_NULL)
		io->first_gfn = io->first_mfn;
	return 0;
}

static const struct json_field iomem_fields[] = {
	JSON_U64_ROW(struct spec_vm_iomem, first_gfn, "firstGFN"),
	JSON_U64_ROW(struct spec_vm_iomem, first_mfn, "firstMFN", .flags = JSON_REQUIRED),
	JSON_U64_ROW(struct spec_vm_iomem, nr_mfns, "nrMFNs", .flags = JSON_REQUIRED),
};
static const struct json_table iomem_table =
	JSON_TABLE(struct spec_vm_iomem, iomem_fields, .finish = finish_iomem);

static const struct json_field hardware_fields[] = {
	JSON_STRING_ROW(struct spec_vm, device_tree, "deviceTree", .flags = JSON_EMPTY_UNSET),
	JSON_OPT_U32_ROW(struct spec_vm, vcpus, "vcpus", .flags = JSON_ZERO_UNSET),
	JSON_OPT_U64_ROW(struct spec_vm, memory_bytes, "memory", .flags = JSON_ZERO_UNSET),
	JSON_STRINGS_ROW(struct spec_vm, dtdevs, "dtdevs"),
	JSON_LIST_ROW(struct spec_vm, iomems, "iomems", iomem_table),
	JSON_U32_LIST_ROW(struct spec_vm, irqs, "irqs"),
};
static const struct json_table hardware_table = JSON_TABLE(struct spec_vm, hardware_fields);

/* The text of 1.3.0 says hwConfig, the Go type that callers use writes hwconfig. */
static const struct json_field vm_fields[] = {
	JSON_SAME_ROW(struct spec_vm, "hypervisor", hypervisor_table),
	JSON_SAME_ROW(struct spec_vm, "kernel", kernel_table, .flags = JSON_REQUIRED),
	JSON_SAME_ROW(struct spec_vm, "image", image_table),
	JSON_SAME_ROW(struct spec_vm, "hwConfig", hardware_table),
	JSON_SAME_ROW(struct spec_vm, "hwconfig", hardware_table),
};
const struct json_table spec_vm_table = JSON_TABLE(struct spec_vm, vm_fields);
