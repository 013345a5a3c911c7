package local

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/account"
)

func TestStackStopsFromTheTopEachPartAfterThoseAboveIt(t *testing.T) {
	var order []string
	s := newStack()
	for _, name := range []string{"engine", "sink", "edge"} {
		s.start(t.Context(), name, func(ctx context.Context) error {
			<-ctx.Done()
			order = append(order, name) // without a lock: the parts end one after the other
			return ctx.Err()
		})
	}
	if err := s.stopTo(0); err != nil {
		t.Fatal(err)
	}
	if want := []string{"edge", "sink", "engine"}; !slices.Equal(order, want) {
		t.Errorf("stopped in the order %v, want %v", order, want)
	}
}

func TestStackTellsTheFirstFailureOnceAndWhoseItIs(t *testing.T) {
	s := newStack()
	s.start(t.Context(), "sink", func(context.Context) error { return errors.New("table is missing") })
	err := s.wait(t.Context())
	if err == nil || err.Error() != "sink: table is missing" {
		t.Errorf("failure %v", err)
	}
	if err := s.stopTo(0); err != nil {
		t.Errorf("told again: %v", err)
	}
}

func TestStackTakesAPartThatEndsByItselfForAFailure(t *testing.T) {
	s := newStack()
	s.start(t.Context(), "edge", func(context.Context) error { return nil })
	if err := s.wait(t.Context()); err == nil {
		t.Error("an edge that is gone passes for a running one")
	}
}

func TestPortInUseIsOneClearSentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, flag := range []string{"edge", "console", "clickhouse-native", "clickhouse-http", "admin"} {
		var stdout, stderr bytes.Buffer
		args := []string{"--data", t.TempDir(), "--edge=127.0.0.1:0", "--kafka=127.0.0.1:0", "--clickhouse-native=127.0.0.1:0", "--clickhouse-http=127.0.0.1:0", "--admin=127.0.0.1:0", "--console=127.0.0.1:0"}
		code := Main(t.Context(), append(args, "--"+flag+"="+taken.Addr().String()), &stdout, &stderr)
		want := "waymark-local: " + taken.Addr().String() + " is in use by another process: end it, or choose another address with --" + flag + "\n"
		if code != 1 || stderr.String() != want {
			t.Errorf("--%s: status %d, says %q, want %q", flag, code, stderr.String(), want)
		}
		if stdout.Len() > 0 {
			t.Errorf("--%s: %q before anything is ready", flag, stdout.String())
		}
	}
}

func TestMissingLibraryIsOneClearSentence(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "libchdb.so")
	t.Setenv("LIBCHDB", missing)
	var stderr bytes.Buffer
	code := Main(t.Context(), []string{"clickhouse", "--data", t.TempDir(), "--clickhouse-native=127.0.0.1:0", "--clickhouse-http=127.0.0.1:0"}, new(bytes.Buffer), &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "LIBCHDB") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("status %d, says %q", code, stderr.String())
	}
}

func TestFlagsAreChecked(t *testing.T) {
	for _, args := range [][]string{{"--demo=-1"}, {"--edge=8080"}, {"--nonsense"}, {"whatever"}, {"--data="}} {
		var stderr bytes.Buffer
		if code := Main(t.Context(), args, new(bytes.Buffer), &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v: status %d, says %q", args, code, stderr.String())
		}
	}
	var stdout bytes.Buffer
	if code := Main(t.Context(), []string{"--version"}, &stdout, new(bytes.Buffer)); code != 0 || !strings.HasPrefix(stdout.String(), "waymark-local ") {
		t.Errorf("--version: %d %q", code, stdout.String())
	}
}

func TestDefaultAccountsAreWrittenOnceAndCanBeEdited(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Data = t.TempDir()
	file, err := cfg.accountsFile()
	if err != nil {
		t.Fatal(err)
	}
	directory, err := account.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]string{"wk_demo_us": {"demo-us", "us"}, "wk_demo_eu": {"demo-eu", "eu"}} {
		if a := directory.ByKey(key); a == nil || a.ID != want[0] || a.Region != want[1] {
			t.Errorf("%s belongs to %+v, want %v", key, a, want)
		}
	}
	if err := os.WriteFile(file, []byte("accounts: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.accountsFile(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "accounts: []\n" {
		t.Errorf("an edited file became %q, %v", text, err)
	}
}

func TestMissingGeoFileIsSaidAndASmallDatabaseServes(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Data, cfg.Geo = t.TempDir(), filepath.Join(t.TempDir(), "GeoLite2-City.mmdb")
	geolocation, notice, err := cfg.geolocation()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(notice, cfg.Geo+" is missing: a small database") {
		t.Errorf("notice %q", notice)
	}
	if len(geolocation.City) != 1 || !exist(geolocation.City) {
		t.Errorf("databases %v", geolocation.City)
	}
}
