package load

import (
	"strings"
	"testing"
)

func TestTwoBuildsAreToldApartOnlyWhereTheirRoundsAre(t *testing.T) {
	slow, fast := []float64{20, 21, 22, 20.5, 21.5, 20.2}, []float64{10, 10.5, 11, 10.2, 10.7, 10.1}
	for name, c := range map[string]struct {
		before, after []float64
		ratio         string
	}{
		"half":        {slow, fast, "0.50"},
		"twice":       {fast, slow, "2.00"},
		"the same":    {slow, slow, "~"},
		"overlapping": {[]float64{10, 12, 11, 14, 9, 13}, []float64{11, 13, 10, 12, 15, 9.5}, "~"},
		"two rounds":  {slow[:2], fast[:2], "~"}, // too few to tell anything
		"only one":    {slow, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verdict(c.before, c.after); got[2] != c.ratio {
				t.Errorf("%q, want the ratio %q", got, c.ratio)
			}
		})
	}
}

func TestCasesAreSelectedByTheirNames(t *testing.T) {
	for pattern, want := range map[string]int{"all": 21, "": 7, "^drain/": 6, "^trickle-2000/p4/s1$": 1, "/p64/": 6} {
		cases, err := Cases(pattern)
		if err != nil || len(cases) != want {
			t.Errorf("%q: %d cases, %v; want %d", pattern, len(cases), err, want)
		}
	}
	for pattern, says := range map[string]string{"nothing": "drain/p4/s1", "(": "missing closing"} {
		if _, err := Cases(pattern); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// A day's curve is 24 hours whose mean is the rate that was asked for, with less at night.
func TestADayHasItsMeanRateAndANight(t *testing.T) {
	var sum float64
	curve := dayCurve()
	for _, part := range curve {
		sum += part
	}
	if len(curve) != 24 || sum < 23.99 || sum > 24.01 || curve[0] > curve[12]/4 {
		t.Errorf("%d hours, sum %g, midnight %g, noon %g", len(curve), sum, curve[0], curve[12])
	}
}
