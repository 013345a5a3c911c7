package quota

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

var november = time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)

func TestCountsOutliveARestartAndEndWithTheMonth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spool", "quotas.json")
	l := Open(file, zap.NewNop())
	l.Add("a", 5, november)
	l.Add("a", 2, november)
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	l = Open(file, zap.NewNop())
	if l.Used("a", november) != 7 || l.Used("b", november) != 0 {
		t.Errorf("%+v", l.used)
	}
	december := november.Add(time.Second)
	if got := l.Used("a", december.In(time.FixedZone("west", -8*3600))); got != 0 { // there it is November still: months are UTC's
		t.Errorf("%d of November count in December", got)
	}
	l.Add("a", 1, december)
	if got := l.Used("a", november); got != 1 {
		t.Errorf("after the clock went back: %d", got)
	}
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	if l = Open(file, zap.NewNop()); l.Used("a", december) != 1 {
		t.Errorf("%+v", l.used)
	}
	if !Ends(november).Equal(december) {
		t.Error(Ends(november))
	}
}

func TestADamagedFileIsSaidAndStopsNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "quotas.json")
	if err := os.WriteFile(file, []byte(`{"month":"2026-11","us`), 0o600); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.ErrorLevel)
	l := Open(file, zap.New(core))
	if l.Add("a", 1, november); l.Write() != nil || logs.Len() != 1 {
		t.Errorf("%d lines of log", logs.Len())
	}
	if Open(file, zap.New(core)).Used("a", november) != 1 || logs.Len() != 1 {
		t.Error("it was not replaced")
	}
}

func TestWhatCouldNotBeWrittenIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := Open("", zap.NewNop())
	l.file = filepath.Join(blocked, "quotas.json") // below what is no folder
	if l.Add("a", 1, november); l.Write() == nil {
		t.Fatal("it was written")
	}
	l.file = filepath.Join(dir, "quotas.json")
	if err := l.Write(); err != nil || Open(l.file, zap.NewNop()).Used("a", november) != 1 {
		t.Errorf("%v", err)
	}
}
