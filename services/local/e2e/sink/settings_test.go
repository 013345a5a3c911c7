package sink

import "testing"

// To go beside rights_test.go once 164 and 452 are classes of the operator's.
func TestAUserWhoMayNotChangeSettingsStopsTheSinkAndLosesNothing(t *testing.T) {
	for name, c := range map[string]struct{ profile, says string }{
		"read-only":             {"<readonly>1</readonly>", "164"},
		"a constraint":          {"<constraints><type_json_skip_duplicated_paths><const/></type_json_skip_duplicated_paths></constraints>", "452"},
		"a range for a setting": {"<async_insert>1</async_insert><constraints><async_insert><min>1</min></async_insert></constraints>", "452"},
	} {
		t.Run(name, func(t *testing.T) {
			h, engine := newHouseOf(t, login{profile: c.profile}, 1)
			h.send(0, h.some(30)...)
			h.stops(c.says)
			engine.Configure(login{}.users(), "")
			h.unharmed(30)
		})
	}
}
