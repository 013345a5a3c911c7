package access

import "testing"

// ClickHouse remembers which granules had no row for a condition. Where a row policy is why, others who ask under the same condition must find theirs
// all the same (ClickHouse#110302, #120178).
func TestWhatAnAnalystMayNotSeeIsNotForgottenForOthers(t *testing.T) {
	h := newHouse(t)
	for _, table := range []string{"events", "item_activity", "visitor_activity", "end_user_activity"} {
		h.ask(admin, "OPTIMIZE TABLE "+table+" FINAL")
		const condition = " WHERE visitor_id LIKE 'rival-%' AND user_id LIKE '%-user-%'"
		alone := h.ask("analyst_rival", "SELECT count() FROM "+table+condition, "use_query_condition_cache", "0")
		if alone == "0" {
			t.Fatalf("%s has nothing to be hidden", table)
		}
		for _, keyword := range []string{"", " FINAL"} {
			query := "SELECT count() FROM " + table + keyword + condition
			if got := h.ask("analyst_shop", query); got != "0" {
				t.Errorf("%s: shop's analyst counts %s", query, got)
			}
			for _, user := range []string{"analyst_rival", "operator", admin} {
				if got := h.ask(user, query); got != alone {
					t.Errorf("%s: %q counts %s after shop's analyst asked, want %s", query, user, got, alone)
				}
			}
		}
	}
}
