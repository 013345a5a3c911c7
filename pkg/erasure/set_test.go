package erasure

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/config"
)

const oldSecret, newSecret = "the secret of a region, of old: 1", "the secret of a region, of now: 2"

func keysOf(t testing.TB, secrets ...string) Keys {
	t.Helper()
	keys, err := Config{Secret: config.Secret(strings.Join(secrets, "\n"))}.Keys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// of makes a tombstone of an identifier that erases what was received until 1000.
func of(key *Key, kind Kind, id string, change ...func(*Tombstone)) *Tombstone {
	t := &Tombstone{Account: "a", Kind: kind, Digest: key.Digest("a", kind, id), Key: key.Fingerprint, Mode: Erase, ReceivedUntil: 1000, MadeAt: 900}
	for _, f := range change {
		f(t)
	}
	return t
}

func setOf(keys Keys, tombstones ...*Tombstone) *Set {
	all := map[string]*Tombstone{}
	for _, t := range tombstones {
		all[t.ID()] = t
	}
	return NewSet(all, keys)
}

func about(account string, change ...func(*Subject)) *Subject {
	s := &Subject{Account: account, ReceivedAt: 1000, Time: 500}
	for _, f := range change {
		f(s)
	}
	return s
}

func visitor(id string) func(*Subject) { return func(s *Subject) { s.Visitors[0] = id } }
func user(id string) func(*Subject)    { return func(s *Subject) { s.Users[0] = id } }
func company(id string) func(*Subject) { return func(s *Subject) { s.Companies[1] = id } }
func received(at int64) func(*Subject) { return func(s *Subject) { s.ReceivedAt = at } }
func happened(at int64) func(*Subject) { return func(s *Subject) { s.Time = at } }
func suppress(t *Tombstone)            { t.Suppress = true }
func anonymise(t *Tombstone)           { t.Mode = Anonymise }
func span(from, to int64) func(*Tombstone) {
	return func(t *Tombstone) { t.From, t.To = from, to }
}

func TestATombstoneMeansItsPersonAndNobodyElse(t *testing.T) {
	keys := keysOf(t, newSecret, oldSecret)
	key := keys[0]
	all := &Tombstone{Account: "a", Kind: Span, From: 100, To: 200, Mode: Erase, ReceivedUntil: 1000}
	for name, c := range map[string]struct {
		tombstones []*Tombstone
		subject    *Subject
		want       Verdict
	}{
		"nobody":                          {nil, about("a", visitor("v")), Keep},
		"the visitor":                     {[]*Tombstone{of(key, Visitor, "v")}, about("a", visitor("v")), Drop},
		"the visitor as it was sent":      {[]*Tombstone{of(key, Visitor, "v")}, about("a", func(s *Subject) { s.Visitors = [4]string{"x", "y", "v"} }), Drop},
		"the user":                        {[]*Tombstone{of(key, User, "u")}, about("a", user("u")), Drop},
		"the company":                     {[]*Tombstone{of(key, Company, "c")}, about("a", company("c")), Drop},
		"another visitor":                 {[]*Tombstone{of(key, Visitor, "v")}, about("a", visitor("w")), Keep},
		"another account's visitor":       {[]*Tombstone{of(key, Visitor, "v")}, about("b", visitor("v")), Keep},
		"a user of the visitor's name":    {[]*Tombstone{of(key, Visitor, "v")}, about("a", user("v")), Keep},
		"received later":                  {[]*Tombstone{of(key, Visitor, "v")}, about("a", visitor("v"), received(1001)), Keep},
		"received later, suppressed":      {[]*Tombstone{of(key, Visitor, "v", suppress)}, about("a", visitor("v"), received(1001)), Drop},
		"hidden":                          {[]*Tombstone{of(key, Visitor, "v", anonymise)}, about("a", visitor("v")), Hide},
		"hidden and erased":               {[]*Tombstone{of(key, Visitor, "v", anonymise), of(key, User, "u")}, about("a", visitor("v"), user("u")), Drop},
		"within a span":                   {[]*Tombstone{of(key, Visitor, "v", span(500, 501))}, about("a", visitor("v")), Drop},
		"before a span":                   {[]*Tombstone{of(key, Visitor, "v", span(501, 600))}, about("a", visitor("v")), Keep},
		"at a span's end":                 {[]*Tombstone{of(key, Visitor, "v", span(400, 500))}, about("a", visitor("v")), Keep},
		"anybody's within a span":         {[]*Tombstone{all}, about("a", visitor("x"), happened(100)), Drop},
		"anybody's outside":               {[]*Tombstone{all}, about("a", visitor("x"), happened(200)), Keep},
		"under an earlier secret":         {[]*Tombstone{of(keys[1], Visitor, "v")}, about("a", visitor("v")), Drop},
		"under both":                      {[]*Tombstone{of(keys[1], Visitor, "v"), of(key, Visitor, "w")}, about("a", visitor("w")), Drop},
		"a quote":                         {[]*Tombstone{of(key, User, `o'Neil"; DROP`)}, about("a", user(`o'Neil"; DROP`)), Drop},
		"another case":                    {[]*Tombstone{of(key, User, "Ann")}, about("a", user("ann")), Keep},
		"another normal form":             {[]*Tombstone{of(key, User, "andr\u00e9")}, about("a", user("andre\u0301")), Keep},
		"a zero byte that moves the ends": {[]*Tombstone{of(key, User, "x")}, about("a", user("\x00x")), Keep},
		"no id at all":                    {[]*Tombstone{of(key, User, "")}, about("a"), Keep},
	} {
		t.Run(name, func(t *testing.T) {
			set := setOf(keys, c.tombstones...)
			if got := set.Judge(c.subject); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
			if c.want != Keep && !set.Concerns(c.subject.Account, c.subject.ReceivedAt) {
				t.Error("who asks only where it may concern would have kept it")
			}
			if why := set.Why(c.subject); (why == nil) != (c.want == Keep) || why != nil && (why.Mode == Erase) != (c.want == Drop) {
				t.Errorf("meant by %v", why)
			}
		})
	}
}

func TestATombstoneIsReadAsItWasWritten(t *testing.T) {
	key := keysOf(t, newSecret)[0]
	for _, sent := range []*Tombstone{
		of(key, User, "ann@example.com", suppress, span(1, 2), anonymise),
		of(key, Visitor, "v"),
		{Account: "a", Kind: Span, From: 100, Mode: Erase, ReceivedUntil: 1000, MadeAt: 1},
	} {
		rec := sent.Record()
		got, err := Parse(rec.Value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Error(diff)
		}
		if bytes.Contains(rec.Value, []byte("ann")) || bytes.Contains(rec.Key, []byte("ann")) {
			t.Errorf("%s names somebody", rec.Value)
		}
		later := *sent
		later.ReceivedUntil, later.MadeAt = 2000, 1900
		if later.ID() != sent.ID() {
			t.Error("erasing again makes another tombstone")
		}
	}
	if of(key, User, "u").ID() == of(key, User, "u", suppress).ID() {
		t.Error("erasing without suppression takes the place of a suppression")
	}
}

func TestWhatIsNotUnderstoodIsAnError(t *testing.T) {
	for name, value := range map[string]string{
		"no JSON":             `{`,
		"nobody's":            `{"account":"a"}`,
		"a newer format":      `{"v":2}`,
		"a newer member":      `{"v":1,"account":"a","kind":"span","from":1,"mode":"erase","received_until":1,"made_at":1,"unless":"x"}`,
		"a newer kind":        `{"v":1,"account":"a","kind":"device","digest":"` + strings.Repeat("ab", 32) + `","key":"k","mode":"erase","received_until":1,"made_at":1}`,
		"a newer mode":        `{"v":1,"account":"a","kind":"span","from":1,"mode":"hash","received_until":1,"made_at":1}`,
		"no digest":           `{"v":1,"account":"a","kind":"user","key":"k","mode":"erase","received_until":1,"made_at":1}`,
		"half a digest":       `{"v":1,"account":"a","kind":"user","digest":"abcd","key":"k","mode":"erase","received_until":1,"made_at":1}`,
		"no account":          `{"v":1,"kind":"span","from":1,"mode":"erase","received_until":1,"made_at":1}`,
		"all of an account":   `{"v":1,"account":"a","kind":"span","mode":"erase","received_until":1,"made_at":1}`,
		"a span that is none": `{"v":1,"account":"a","kind":"span","from":2,"to":2,"mode":"erase","received_until":1,"made_at":1}`,
	} {
		if got, err := Parse([]byte(value)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	rec := (&Tombstone{Account: "a", Kind: Span, From: 100, Mode: Erase, ReceivedUntil: 1000, MadeAt: 1}).Record()
	f.Add(rec.Value)
	f.Add([]byte(`{"v":1,"account":"a","kind":"user","digest":"` + strings.Repeat("ab", 32) + `","key":"k","mode":"erase","received_until":1,"made_at":1}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		parsed, err := Parse(value)
		if err != nil {
			return
		}
		again, err := Parse(parsed.Record().Value)
		if err != nil || *again != *parsed {
			t.Errorf("%+v became %+v: %v", parsed, again, err)
		}
	})
}

func TestASecretIsLongAndHidden(t *testing.T) {
	if err := (Config{Secret: "short"}).Validate(); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("%v", err)
	}
	if keys := keysOf(t, "", newSecret, "", oldSecret); len(keys) != 2 || keys[0].Fingerprint == keys[1].Fingerprint || strings.Contains(keys[0].Fingerprint, "secret") {
		t.Errorf("%d keys", len(keys))
	}
	if keys := keysOf(t); keys != nil {
		t.Errorf("%v of no secret", keys)
	}
}

// What an event costs: nothing where nobody was erased, nor for accounts where nobody was, nor for events received after all that is meant.
// Otherwise it is SHA-256, a third of a microsecond for each identifier of a kind that anybody was erased by: no cache is faster.
func BenchmarkJudge(b *testing.B) {
	keys := keysOf(b, newSecret)
	some := make([]*Tombstone, 1000)
	for i := range some {
		some[i] = of(keys[0], User, strings.Repeat("u", i+1))
	}
	set := setOf(keys, some...)
	for name, c := range map[string]struct {
		set     *Set
		subject *Subject
	}{
		"empty":         {nil, about("a", visitor("v"), user("v"))},
		"other account": {set, about("b", visitor("v"), user("v"))},
		"received late": {set, about("a", visitor("v"), user("v"), received(1001))},
		"concerned":     {set, about("a", visitor("v"), user("v"))},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s := c.subject; c.set.Concerns(s.Account, s.ReceivedAt) && c.set.Judge(s) != Keep {
					b.Fatal("kept")
				}
			}
		})
	}
}
