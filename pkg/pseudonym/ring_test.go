package pseudonym

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A ring whose first secret is known.
func known(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "acme"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "acme", "1.key"), []byte(strings.Repeat("0f", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, dir string) *Ring {
	t.Helper()
	r, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func made(t *testing.T, dir, account string) Key {
	t.Helper()
	k, err := New(dir, account)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Pseudonyms are stored: a change of this value, which another implementation of the two RFCs gives too, would make a stranger of everybody.
func TestPseudonymsNeverChange(t *testing.T) {
	got, ok := read(t, known(t)).Of("acme", "jane.doe@example.com")
	if want := "p1.Tomhmth4h0wKcxzN4eLbbGkT0ZA51-wxrHks1k66g7I"; !ok || got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestANewEpochMakesOthersAndFindsThose(t *testing.T) {
	dir := known(t)
	before, _ := read(t, dir).Of("acme", "jane")
	if k := made(t, dir, "acme"); k.Epoch != 2 {
		t.Errorf("epoch %d", k.Epoch)
	}
	r := read(t, dir)
	now, ok := r.Of("acme", "jane")
	if !ok || !strings.HasPrefix(now, "p2.") || now[3:] == before[3:] {
		t.Errorf("%q, then %q", before, now)
	}
	if all := r.All("acme", "jane"); len(all) != 2 || all[0] != now || all[1] != before {
		t.Errorf("found as %v", all)
	}
	if other, _ := r.Of("acme", "john"); other == now {
		t.Error("two people have one pseudonym")
	}
}

func TestADestroyedKeyIsGone(t *testing.T) {
	dir := known(t)
	made(t, dir, "acme")
	file := filepath.Join(dir, "acme", "1.key")
	opened, err := os.Open(file) // who has it open sees that it was overwritten
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if err := Destroy(dir, "acme", 1); err != nil {
		t.Fatal(err)
	}
	left := make([]byte, 65)
	if _, err := opened.ReadAt(left, 0); err != nil || strings.Contains(string(left), "0f0f0f0f") {
		t.Errorf("the secret is still there: %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if all := read(t, dir).All("acme", "jane"); len(all) != 1 || !strings.HasPrefix(all[0], "p2.") {
		t.Errorf("found as %v", all)
	}
	if err := Destroy(dir, "acme", 1); !errors.Is(err, ErrNoKey) {
		t.Errorf("destroyed twice: %v", err)
	}
	if err := Destroy(dir, "..", 1); !errors.Is(err, ErrNoKey) {
		t.Errorf("outside of the ring: %v", err)
	}

	// Without its newest key an account has no pseudonyms: the older would make again what is to be forgotten. Its number is not used again.
	made(t, dir, "acme")
	if err := Destroy(dir, "acme", 3); err != nil {
		t.Fatal(err)
	}
	r := read(t, dir)
	if got, ok := r.Of("acme", "jane"); ok || r.Has("acme") {
		t.Errorf("made %q", got)
	}
	if k := made(t, dir, "acme"); k.Epoch != 4 {
		t.Errorf("epoch %d after 3 was destroyed", k.Epoch)
	}
	keys, err := List(dir, "acme")
	if err != nil || len(keys) != 4 || !keys[0].Destroyed || keys[1].Destroyed || !keys[2].Destroyed || keys[3].Destroyed {
		t.Errorf("%+v, %v", keys, err)
	}
}

// A crash after the mark was made and before the file was removed.
func TestAMarkedKeyIsDestroyed(t *testing.T) {
	dir := known(t)
	if err := os.WriteFile(filepath.Join(dir, "acme", "1.destroyed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, ok := read(t, dir).Of("acme", "jane"); ok {
		t.Errorf("made %q", got)
	}
}

func TestNoSecretIsQuoted(t *testing.T) {
	for name, text := range map[string]string{"short": "s3cr3t", "no digits": strings.Repeat("s3", 32), "long": strings.Repeat("0f", 33), "nothing": ""} {
		dir := known(t)
		if err := os.WriteFile(filepath.Join(dir, "acme", "2.key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || text != "" && strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "2.key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(t.TempDir(), "../x"); err == nil {
		t.Error("a key outside of the ring")
	}
}

func TestWithoutARingThereAreNoPseudonyms(t *testing.T) {
	var none *Ring
	empty, err := Open("", zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Ring{none, empty} {
		if got, ok := r.Of("acme", "jane"); ok || r.Has("acme") || len(r.All("acme", "jane")) > 0 {
			t.Errorf("made %q", got)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), zap.NewNop(), prometheus.NewRegistry()); err == nil {
		t.Error("a folder that is not there is a ring")
	}
}

func TestTheRingIsReadAgainAndABrokenOneKeepsTheLast(t *testing.T) {
	dir := known(t)
	r, err := Open(dir, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Watch(ctx, time.Millisecond) }()
	defer func() { cancel(); <-done }()
	wait := func(result string, count float64) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		for testutil.ToFloat64(r.reloads.WithLabelValues(result)) < count {
			select {
			case <-deadline:
				t.Fatalf("reloads{%s} never became %v", result, count)
			case <-time.After(time.Millisecond):
			}
		}
	}
	made(t, dir, "acme")
	wait("ok", 1)
	if got, _ := r.Of("acme", "jane"); !strings.HasPrefix(got, "p2.") {
		t.Errorf("made %q", got)
	}
	broken := filepath.Join(dir, "acme", "3.key")
	if err := os.WriteFile(broken, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	wait("error", 1)
	if got, _ := r.Of("acme", "jane"); !strings.HasPrefix(got, "p2.") {
		t.Errorf("made %q while the ring was broken", got)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	wait("ok", 2)
}

// Accounts and epochs have keys of their own, though their secrets be the same.
func TestNoTwoKeysAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		seen := map[string]string{}
		for _, account := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9_-]{1,8}`), 1, 3, rapid.ID[string]).Draw(rt, "accounts") {
			_ = os.MkdirAll(filepath.Join(dir, account), 0o700)
			for epoch := range 3 {
				if err := os.WriteFile(filepath.Join(dir, account, fmt.Sprint(epoch+1)+".key"), []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
					rt.Fatal(err)
				}
			}
		}
		r, err := Read(dir)
		if err != nil {
			rt.Fatal(err)
		}
		for account := range *r.keys.Load() {
			for _, id := range []string{"jane", "john", ""} {
				for _, pseudonym := range r.All(account, id) {
					_, mac, _ := strings.Cut(pseudonym, ".")
					if other, is := seen[mac]; is || len(mac) != 43 {
						rt.Fatalf("%s of %s is %s's", pseudonym, account, other)
					}
					seen[mac] = account + " " + id
				}
			}
		}
	})
}

func BenchmarkOf(b *testing.B) {
	dir := b.TempDir()
	if _, err := New(dir, "acme"); err != nil {
		b.Fatal(err)
	}
	r, err := Read(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Of("acme", "jane.doe@example.com")
	}
}
