/* SPDX-License-Identifier: MIT
 *
 * assets: files of this folder as read-only bytes of the binary.
 */
	.section .rodata
	.global agni_page_html
	.global agni_page_html_end
agni_page_html:
	.incbin "src/dashboard/page.html"
agni_page_html_end:
	.section .note.GNU-stack, "", %progbits
