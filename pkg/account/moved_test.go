package account

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestARegionChangesOnlyWhenItIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("accounts: [{id: a, region: eu}, {id: b, region: us}]")
	core, logs := observer.New(zap.ErrorLevel)
	s, err := Open(file, zap.New(core), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, region string }{
		{"accounts: [{id: a, region: ca}, {id: b, region: us}]", "eu"},
		{"accounts: [{id: a, region: ca, moved_from: us}]", "eu"},
		{"accounts: [{id: a, region: ca, moved_from: eu}, {id: c, region: us}]", "ca"},
		{"accounts: [{id: a, region: eu, moved_from: eu}]", "ca"},
	} {
		write(c.text)
		s.reload()
		if got := s.Directory().ByID("a").Region; got != c.region {
			t.Errorf("%s: region %s, want %s", c.text, got, c.region)
		}
	}
	if n := logs.Len(); n != 3 {
		t.Errorf("%d errors, want 3", n)
	}
	if text := logs.All()[0].ContextMap()["error"].(string); !strings.Contains(text, "moved_from: eu") || !strings.Contains(text, "waymarkctl region check") {
		t.Errorf("%q does not say what to do", text)
	}
}
