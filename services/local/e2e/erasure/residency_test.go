package erasure

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/schemas"
)

// mark is in every value of an account that must not leave its region.
const mark = "zqxj"

// Three regions, one edge. What an account's people send is on its region's brokers, in its tables and in its spool, and nowhere in the others': stored,
// spooled, refused, erased.
func TestNothingOfAnAccountReachesAnotherRegion(t *testing.T) {
	t.Parallel()
	names := []string{"us", "eu", "ca"}
	var plants []*plant
	var all strings.Builder
	all.WriteString("accounts:\n")
	for _, name := range names {
		plants = append(plants, buildIn(t, name))
		fmt.Fprintf(&all, "  - {id: of-%s, region: %[1]s, write_keys: [wk_test_key_of-%[1]s], policy: {identification: variable, collect_url: true, collect_title: true}}\n", name)
	}
	us := plants[0]
	us.neighbours = plants[1:]
	for _, p := range plants {
		p.write(p.accounts, all.String())
		p.write(p.enricherAccounts, all.String())
		p.start("enricher", "sink")
	}
	us.spool = t.TempDir()
	us.cut(true)
	us.start("edge")
	for _, name := range names {
		us.send(visit{account: "of-" + name, visitor: "v-" + name + mark, user: "u-" + name + mark, company: "c-" + name + mark, n: 5}, visit{account: "of-" + name, visitor: "v-" + name + mark, broken: true, n: 2})
	}
	// The edge's own region is cut off: its events are on its disk, and the others' are not.
	for _, p := range plants[1:] {
		p.holds(5, "1")
	}
	if !holds(t, filepath.Join(us.spool, "us"), "us"+mark) {
		t.Error("the spool has nothing: the test shows nothing")
	}
	us.cut(false)
	us.holds(5, "1")
	for i, p := range plants {
		p.eventually("dead letters", func() bool { return p.count("SELECT count() FROM dead_events") == 2 })
		p.ctl("erase", "--yes", "--account", "of-"+names[i], "--user", "u-"+names[i]+mark, "--margin", "0s", "--anonymise")
	}
	for i, p := range plants {
		for j, name := range names {
			if i == j {
				continue
			}
			foreign := name + mark
			for _, topic := range []string{schemas.RawTopic(p.region), schemas.EnrichedTopic(p.region), schemas.DeadTopic(p.region), schemas.ErasuresTopic(p.region)} {
				for _, rec := range p.records(topic) {
					text := string(rec.Key) + string(rec.Value)
					for _, h := range rec.Headers {
						text += string(h.Value)
					}
					if strings.Contains(text, foreign) || strings.Contains(text, "of-"+name) {
						t.Errorf("%s has something of %s", topic, name)
					}
				}
			}
			for _, table := range []string{"events", "dead_events"} {
				if n := p.count(fmt.Sprintf("SELECT count() FROM %s WHERE position(formatRow('JSONEachRow', *), '%s') + position(formatRow('JSONEachRow', *), 'of-%s') > 0", table, foreign, name)); n != 0 {
					t.Errorf("%s of %s has %d rows of %s", table, p.region, n, name)
				}
			}
			if holds(t, filepath.Join(us.spool, p.region), foreign) {
				t.Errorf("the spool of %s has something of %s", p.region, name)
			}
		}
		for name, s := range p.services {
			for _, line := range s.logs.All() {
				if strings.Contains(fmt.Sprint(line.Message, line.ContextMap()), mark) {
					t.Errorf("the log of %s in %s: %s %v", name, p.region, line.Message, line.ContextMap())
				}
			}
			families, err := s.registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				for _, m := range f.GetMetric() {
					if strings.Contains(fmt.Sprint(m.GetLabel()), mark) {
						t.Errorf("a metric of %s in %s: %s %v", name, p.region, f.GetName(), m.GetLabel())
					}
				}
			}
		}
	}
}

// holds tells whether a file below a folder has some bytes.
func holds(t *testing.T, dir, text string) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || strings.Contains(string(content), text)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return found
}

// An account whose region is changed leaves its rows behind: the check names them, and the command that erases them.
func TestRowsThatAnAccountLeftBehindAreFoundAndErased(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v", n: 3}, visit{account: "b", visitor: "w", n: 2})
	p.holds(5, "1")
	if out := p.ctl("region", "check", "--accounts", p.accounts); !strings.Contains(out, "every row lies in its account's region") {
		t.Error(out)
	}
	moved := p.file(t.TempDir(), "moved.yaml", "accounts: [{id: a, region: us, moved_from: eu}, {id: b, region: eu}]")
	code, out, errs := p.run("region", "check", "--accounts", moved)
	if code != 1 || !strings.Contains(errs, "rows lie in regions that are not their accounts'") {
		t.Errorf("status %d: %s%s", code, out, errs)
	}
	// What is computed from events tells alone where an account was.
	p.exec("DELETE FROM events WHERE account_id = 'a'")
	code, out, errs = p.run("region", "check", "--accounts", moved)
	if code != 1 || !strings.Contains(out, "COMPUTED FROM THEM") {
		t.Errorf("status %d: %s%s", code, out, errs)
	}
	_, command, found := strings.Cut(strings.TrimSpace(out), "waymarkctl ")
	if !found || strings.Contains(out, "\nb ") {
		t.Fatal(out)
	}
	p.ctl(append(strings.Fields(command), "--yes")...)
	p.holds(2, "account_id = 'b'")
	p.holds(2, "1")
	if out := p.ctl("region", "check", "--accounts", moved); !strings.Contains(out, "every row lies in its account's region") {
		t.Error(out)
	}
}
