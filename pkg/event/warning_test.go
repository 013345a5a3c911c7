package event

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFlag(t *testing.T) {
	if got := (Warning{Code: WarnCut, Path: "$.page.title"}).Flag(); got != "cut:page.title" {
		t.Errorf("got %q", got)
	}
}

// The codes are described where senders and analysts look for them, and no others are.
func TestWarningCodesAreDescribed(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| code | what was done |")
	table, _, _ = strings.Cut(table, "\n\n")
	var described []WarningCode
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		described = append(described, WarningCode(row[1]))
	}
	if !slices.Equal(described, WarningCodes) {
		t.Errorf("README describes %v, want %v", described, WarningCodes)
	}
	migration, err := os.ReadFile("../../schemas/clickhouse/0001_events.sql")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`the codes are ([\w, ]+)'`).FindStringSubmatch(string(migration))
	var names []string
	for _, code := range WarningCodes {
		names = append(names, string(code))
	}
	if want := strings.Join(names, ", "); len(list) != 2 || list[1] != want {
		t.Errorf("the column's comment lists %q, want %q", list, want)
	}
}
