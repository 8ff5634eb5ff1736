/* SPDX-License-Identifier: MIT
 *
 * calendar_data: see calendar_data.h.
 *
 * Sources: NSE's holiday lists for 2024 and 2025 with what was declared later; for 2026
 * NSE/CMTR/71775 and NSE/FAOP/71777 (2025-12-12) as modified by NSE/FAOP/72262 (2026-01-12).
 * Holidays that fall on a weekend are left out. Facts known up to 2026-08-22.
 */
#include "market/calendar_data.h"

const struct calendar_holiday calendar_holidays[] = {
	{20240122, "holiday: Ram Mandir consecration"}, /* declared 2024-01-20 */
	{20240126, "holiday: Republic Day"},
	{20240308, "holiday: Mahashivratri"},
	{20240325, "holiday: Holi"},
	{20240329, "holiday: Good Friday"},
	{20240411, "holiday: Id-Ul-Fitr"},
	{20240417, "holiday: Ram Navami"},
	{20240501, "holiday: Maharashtra Day"},
	{20240520, "holiday: General Parliamentary Elections"},
	{20240617, "holiday: Bakri Id"},
	{20240717, "holiday: Muharram"},
	{20240815, "holiday: Independence Day"},
	{20241002, "holiday: Mahatma Gandhi Jayanti"},
	{20241101, "holiday: Diwali Laxmi Pujan"},
	{20241115, "holiday: Guru Nanak Jayanti"},
	{20241120, "holiday: Maharashtra Assembly Elections"},
	{20241225, "holiday: Christmas"},

	{20250226, "holiday: Mahashivratri"},
	{20250314, "holiday: Holi"},
	{20250331, "holiday: Id-Ul-Fitr"},
	{20250410, "holiday: Mahavir Jayanti"},
	{20250414, "holiday: Dr. Baba Saheb Ambedkar Jayanti"},
	{20250418, "holiday: Good Friday"},
	{20250501, "holiday: Maharashtra Day"},
	{20250815, "holiday: Independence Day"},
	{20250827, "holiday: Ganesh Chaturthi"},
	{20251002, "holiday: Mahatma Gandhi Jayanti, Dussehra"},
	{20251021, "holiday: Diwali Laxmi Pujan"},
	{20251022, "holiday: Diwali Balipratipada"},
	{20251105, "holiday: Guru Nanak Jayanti"},
	{20251225, "holiday: Christmas"},

	{20260115, "holiday: Municipal Corporation Election"}, /* NSE/FAOP/72262 */
	{20260126, "holiday: Republic Day"},
	{20260303, "holiday: Holi"},
	{20260326, "holiday: Ram Navami"},
	{20260331, "holiday: Mahavir Jayanti"},
	{20260403, "holiday: Good Friday"},
	{20260414, "holiday: Dr. Baba Saheb Ambedkar Jayanti"},
	{20260501, "holiday: Maharashtra Day"},
	{20260528, "holiday: Bakri Id"},
	{20260626, "holiday: Muharram"},
	{20260914, "holiday: Ganesh Chaturthi"},
	{20261002, "holiday: Mahatma Gandhi Jayanti"},
	{20261020, "holiday: Dussehra"},
	{20261110, "holiday: Diwali Balipratipada"},
	{20261124, "holiday: Guru Nanak Jayanti"},
	{20261225, "holiday: Christmas"},
	{0, NULL},
};

#define DR_1 "special session: disaster recovery drill, primary site"
#define DR_2 "special session: disaster recovery drill, recovery site"

const struct calendar_special calendar_specials[] = {
	{20240120, 0, 0, "special session: full Saturday in place of 2024-01-22"},
	{20240302, HHMM(9, 15), HHMM(10, 0), DR_1},
	{20240302, HHMM(11, 30), HHMM(12, 30), DR_2},
	{20240518, HHMM(9, 15), HHMM(10, 0), DR_1},
	/* The first circular said 11:30 to 12:30, the revised one this. */
	{20240518, HHMM(11, 45), HHMM(12, 40), DR_2},
	{20241101, HHMM(18, 0), HHMM(19, 0), "special session: muhurat"},
	{20250201, 0, 0, "special session: Union Budget"},
	{20251021, HHMM(13, 45), HHMM(14, 45), "special session: muhurat"},
	{20260201, 0, 0, "special session: Union Budget"}, /* NSE/CMTR/72349, NSE/FAOP/72352 */
	/* NSE/FAOP/71777 leaves the hours to a later circular. */
	{20261108, -1, -1, "special session: muhurat, hours not known, treated as closed"},
	{0, 0, 0, NULL},
};

/* Shares with derivatives stop at 15:15 since NSE/CMTR/74466, all others at 15:30. FO: a pre-open for
 * futures since 2025-12-08, the later close by NSE/FAOP/74467. */
const struct calendar_hours calendar_usual_hours[] = {
	{SEGMENT_CM, 20101018, 15, HHMM(9, 15), HHMM(15, 30)},
	{SEGMENT_CM_CAS, 20101018, 15, HHMM(9, 15), HHMM(15, 30)},
	{SEGMENT_FO, 20101018, 0, HHMM(9, 15), HHMM(15, 30)},
	{SEGMENT_FO_OPTIONS, 20101018, 0, HHMM(9, 15), HHMM(15, 30)},
	{SEGMENT_FO, 20251208, 15, HHMM(9, 15), HHMM(15, 30)},
	{SEGMENT_CM_CAS, 20260803, 15, HHMM(9, 15), HHMM(15, 15)},
	{SEGMENT_FO, 20260803, 15, HHMM(9, 15), HHMM(15, 40)},
	{SEGMENT_FO_OPTIONS, 20260803, 0, HHMM(9, 15), HHMM(15, 40)},
	{SEGMENT_CM, 0, 0, 0, 0},
};

#define CASH   (1u << SEGMENT_CM | 1u << SEGMENT_CM_CAS)
#define CM_CAS (1u << SEGMENT_CM_CAS)
#define OPENS  (CASH | 1u << SEGMENT_FO) /* what has a pre-open; FO from its date on */

/* The last minutes of entering and of the auction end at random; here the latest end stands. */
const struct calendar_stage calendar_stages[] = {
	{CASH, 20101018, 0, false, HHMM(8, 45), HHMM(9, 0), PHASE_CLOSED, "block_deal_1"},
	{OPENS, 20101018, 0, true, -15, -7, PHASE_PRE_OPEN, "pre_open_order_entry"},
	{OPENS, 20101018, 0, true, -7, -3, PHASE_PRE_OPEN, "pre_open_match"},
	{OPENS, 20101018, 0, true, -3, 0, PHASE_PRE_OPEN, "pre_open_buffer"},
	{CASH, 20101018, 20260802, false, HHMM(15, 40), HHMM(16, 0), PHASE_CLOSING, "post_close"},
	{CM_CAS, 20260803, 0, false, HHMM(15, 15), HHMM(15, 20), PHASE_CLOSING, "cas_reference"},
	{CM_CAS, 20260803, 0, false, HHMM(15, 20), HHMM(15, 25), PHASE_CLOSING, "cas_order_entry"},
	{CM_CAS, 20260803, 0, false, HHMM(15, 25), HHMM(15, 30), PHASE_CLOSING, "cas_limit_only"},
	{CM_CAS, 20260803, 0, false, HHMM(15, 30), HHMM(15, 35), PHASE_CLOSING, "cas_match"},
	{1u << SEGMENT_CM, 20260803, 0, false, HHMM(15, 30), HHMM(15, 50), PHASE_CLOSING,
	 "transition"},
	{CM_CAS, 20260803, 0, false, HHMM(15, 35), HHMM(15, 50), PHASE_CLOSING, "transition"},
	{CASH, 20260803, 0, false, HHMM(15, 50), HHMM(16, 0), PHASE_CLOSING, "post_close"},
	{0, 0, 0, false, 0, 0, PHASE_CLOSED, NULL},
};
