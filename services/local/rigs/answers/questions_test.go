package answers

import (
	"slices"
	"strings"
	"testing"
)

// item_rates has most of its parameters by a part of a part.
func TestEachViewIsAskedWithTheParametersOfPartsOfItsParts(t *testing.T) {
	all, err := questions()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(q question) bool { return q.name == "item_rates" })
	if i < 0 {
		t.Fatal("item_rates is not asked")
	}
	for _, want := range []string{"account = {account:String}", "from = {from:Date}", "to = {to:Date}", "audience = {audience:String}", "item = {item:String}"} {
		if !strings.Contains(all[i].sql, want) {
			t.Errorf("%s: want %s in it", all[i].sql, want)
		}
	}
}
