package chaos

import "testing"

// The Makefile's number of faults.
func TestTheDefaultScheduleHasEachKindTwice(t *testing.T) {
	const faultsOfMake = 80
	for _, apache := range []bool{false, true} {
		times := map[string]int{}
		for _, p := range plan(Config{Events: 1_001_000, Faults: faultsOfMake, Seed: 1, ApacheKafka: apache}) {
			times[p.name]++
		}
		for _, f := range faults(apache) {
			if times[f.name] < 2 {
				t.Errorf("%s comes %d times", f.name, times[f.name])
			}
		}
	}
}
