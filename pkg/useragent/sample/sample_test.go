package sample

import "testing"

func TestWeightedIsMostOfTheTrafficInOrder(t *testing.T) {
	agents, err := Weighted()
	if err != nil {
		t.Fatal(err)
	}
	if len(agents) != 300 {
		t.Errorf("%d user agents, want 300", len(agents))
	}
	sum := 0.0
	for i, a := range agents {
		if a.UA == "" || a.Weight <= 0 || i > 0 && a.Weight > agents[i-1].Weight {
			t.Errorf("out of order: %+v", a)
		}
		sum += a.Weight
	}
	if sum < 0.8 || sum > 1 {
		t.Errorf("the weights add up to %v", sum)
	}
}
