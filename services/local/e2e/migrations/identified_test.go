package migrations

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/schemas"
)

// A said is an event as far as it says who somebody is.
type said struct {
	account, visitor string
	// user is the visitor's own id where nobody is known, and "" where the account's policy stores none.
	user string
	// previous is an alias's earlier id.
	previous string
	at       int // seconds
	// aside is an event of a bot, which counts for nothing but for who its visitor was.
	aside bool
	id    uuid.UUID
}

// parse reads events such as "v 1", "v=ann 2" and "v=bob<ann 3", which is an alias of ann; "v= 4" is of an account that stores no user.
func parse(account, events string) (out []said) {
	for text := range strings.SplitSeq(events, ", ") {
		e := said{account: account, id: uuid.New()}
		who, at, _ := strings.Cut(text, " ")
		_, _ = fmt.Sscan(at, &e.at)
		visitor, user, named := strings.Cut(who, "=")
		if e.visitor = visitor; !named {
			user = visitor
		}
		e.user, e.previous, _ = strings.Cut(user, "<")
		out = append(out, e)
	}
	return out
}

// tell inserts events in one block, of one epoch.
func (h *house) tell(epoch int, events []said) {
	h.t.Helper()
	quote := func(text string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'" }
	var rows []string
	for _, e := range events {
		event, item, detail := "play", "walkthru", ""
		if e.previous != "" {
			event, item, detail = "alias", "user", fmt.Sprintf(`{"previous_id":%q}`, e.previous)
		}
		at := fmt.Sprintf("toDateTime64('2026-10-31 12:00:00', 3, 'UTC') + %d", e.at)
		rows = append(rows, "("+strings.Join([]string{
			quote(e.id.String()), quote(e.account), quote(event), quote(item), at, "'2026-10-31 12:00:00'", quote(e.visitor), quote(e.user), quote(detail), fmt.Sprint(e.aside), fmt.Sprint(epoch),
		}, ", ")+")")
	}
	h.exec("INSERT INTO $.events (event_id, account_id, event, item_type, time, client_time, visitor_id, user_id, detail_text, is_bot, epoch) VALUES " + strings.Join(rows, ", "))
}

// resolved asks whose the events are, by their ids.
func (h *house) resolved() map[string]string {
	h.t.Helper()
	out := map[string]string{}
	for line := range strings.SplitSeq(h.ask("SELECT concat(toString(event_id), '=', resolved_user_id) FROM $.events_identified"), "\n") {
		id, user, _ := strings.Cut(line, "=")
		if _, twice := out[id]; twice {
			h.t.Errorf("%s is there twice", id)
		}
		out[id] = user
	}
	return out
}

func TestEventsIdentified(t *testing.T) {
	cases := map[string]struct{ events, want string }{
		"nobody":                                    {"v 1, v 2", "v v"},
		"nobody, where no user is stored":           {"v= 1, w= 2", " "},
		"before and after a log-in":                 {"v 1, v=ann 2, v 3, w 3", "ann ann ann w"},
		"two users of one visitor, and one again":   {"v 1, v=ann 2, v 3, v=bob 4, v 5, v=ann 6, v 7", "ann ann ann bob bob ann ann"},
		"one user on two machines":                  {"v=ann 2, w=ann 5, v 1, w 3", "ann ann ann ann"},
		"at the same time":                          {"v=bob 1, v=ann 1, v 1, v 0, v 2", "bob ann bob ann bob"},
		"pseudonyms under two keys":                 {"v 1, v=p1.aa 2, v 3, v=p2.bb 4, v 5", "p1.aa p1.aa p1.aa p2.bb p2.bb"},
		"an alias of a visitor":                     {"v 1, w=ann<v 2, v 3, w 4", "ann ann ann ann"},
		"an alias of a user":                        {"v=ann 1, v 2, w=bob<ann 3, v=ann 4, v 5", "bob bob bob bob bob"},
		"a chain":                                   {"v=a 1, w=b<a 2, w=c<b 3, w=d<c 4, v 5", "d d d d d"},
		"a chain whose links came backwards":        {"v=a 1, w=d<c 2, w=c<b 3, w=b<a 4, v 5", "d d d d d"},
		"two that name each other":                  {"v=a 1, x=b<a 2, y=a<b 3, v 4", "a a a a"},
		"three in a circle, and one that leads in":  {"x=c<b 1, x=a<c 2, x=b<a 3, y=a<z 4, v=z 5, v 6", "b b b b b b"},
		"of two aliases of one id the later counts": {"x=c<a 4, x=b<a 2, v=a 1", "c b c"},
		"an alias of itself":                        {"x=a<a 1, x 2", "a a"},
		"an alias of two anonymous ids":             {"new=new<old 2, old 1", "new old"},
		"quotes":                                    {`v=o'"\n 1, v 2, w=ö<o'"\n 3`, "ö ö ö"},
	}
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.exec("SYSTEM STOP MERGES $.events")
	events := map[string][]said{}
	for name, c := range cases {
		// Each in an account of its own, under the same names; late and out of order in another; doubled in a third.
		events[name] = parse(name, c.events)
		backwards := slices.Clone(events[name])
		slices.Reverse(backwards)
		for i := range backwards {
			backwards[i].account, backwards[i].id = name+", backwards", uuid.New()
			h.tell(0, backwards[i:i+1])
		}
		slices.Reverse(backwards)
		events[name+", backwards"] = backwards
		h.tell(0, events[name])
		h.tell(0, events[name])
	}
	got := h.resolved()
	for account, all := range events {
		name, _, _ := strings.Cut(account, ", backwards")
		var users []string
		for _, e := range all {
			users = append(users, got[e.id.String()])
		}
		if is := strings.Join(users, " "); is != cases[name].want {
			t.Errorf("%s: %q, want %q", account, is, cases[name].want)
		}
	}
}

// Who has a write key may send what never ends: a walk along aliases does.
func TestALongChainOfAliasesEnds(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	chain := []said{{account: "a", visitor: "v", user: "u0", at: 100, id: uuid.New()}}
	for i := range 50 {
		chain = append(chain, said{account: "a", visitor: "w", user: fmt.Sprint("u", i+1), previous: fmt.Sprint("u", i), at: i, id: uuid.New()})
	}
	h.tell(0, chain)
	if got := h.resolved()[chain[0].id.String()]; got != "u32" {
		t.Errorf("it leads to %s, want u32", got)
	}
	if got := h.ask("SELECT user_id FROM $.identity_aliases WHERE previous_id = 'u49'"); got != "u50" {
		t.Errorf("the last leads to %s", got)
	}
}

func TestIdentityLinks(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.tell(0, append(parse("a", "v 1, v=ann 3, v=ann 2, v=ann 7, v=bob 5, w=bob<ann 9"), parse("b", "v=ann 4")...))
	h.tell(1, parse("a", "v=ann 7"))
	got := h.ask("SELECT account_id, visitor_id, user_id, toSecond(first_seen), toSecond(last_seen) FROM $.identity_links ORDER BY ALL")
	if want := "a ann bob 9 9\na v ann 2 7\na v bob 5 5\na w bob 9 9\nb v ann 4 4"; got != want {
		t.Errorf("links are\n%s\nwant\n%s", got, want)
	}
	if got, want := h.ask("SELECT account_id, previous_id, user_id FROM $.identity_aliases"), "a ann bob"; got != want {
		t.Errorf("aliases are\n%s\nwant\n%s", got, want)
	}
}

// Whose events are is what a plain program says of the same events: doubled, enriched again as somebody else's, in any order, of accounts that share all
// names.
func TestEventsIdentifiedAgreeWithAProgram(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.exec("SYSTEM STOP MERGES $.events")
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	pick := func(of string) string { all := strings.Fields(of); return all[rng.IntN(len(all))] }
	var all, before []said
	for account := range 300 {
		for range 2 + rng.IntN(30) {
			e := said{account: fmt.Sprint("a", account), visitor: pick("v w x"), at: rng.IntN(20), aside: rng.IntN(8) == 0, id: uuid.New()}
			switch e.user = e.visitor; rng.IntN(8) {
			case 0, 1:
				e.user = pick("ann bob carl")
			case 2:
				e.user, e.previous = pick("ann bob carl dora v"), pick("ann bob carl dora v w")
			case 3:
				e.user = ""
			}
			all = append(all, e)
			old := e
			old.user, old.at = pick("ann old"), e.at+rng.IntN(3)
			before = append(before, old)
		}
	}
	h.tell(0, before[:len(before)/2])
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	h.tell(1, all)
	h.tell(1, all[:len(all)/2])
	got := h.resolved()
	shown, differ := 0, 0
	for _, e := range all {
		is, there := got[e.id.String()]
		if there == e.aside {
			t.Errorf("seed %d: %+v is there: %t", seed, e, there)
		}
		if e.aside {
			continue
		}
		if shown++; is != whose(all, e) {
			if differ++; differ < 5 {
				t.Errorf("seed %d: %+v is %q's, want %q", seed, e, is, whose(all, e))
			}
		}
	}
	if shown != len(got) || shown < 1000 {
		t.Errorf("%d rows for %d events", len(got), shown)
	}
}

// whose is the definition: whom the event names, else the last whom its visitor was by then, else the first; then aliases.
func whose(all []said, e said) string {
	user := e.user
	if user == "" || user == e.visitor {
		var claims []said
		for _, c := range all {
			names := c.user != "" && c.user != c.visitor
			if c.account == e.account && names && (c.visitor == e.visitor || c.previous == e.visitor && c.user != c.previous) {
				claims = append(claims, c)
			}
		}
		slices.SortFunc(claims, func(a, b said) int { return cmp.Or(a.at-b.at, strings.Compare(a.user, b.user)) })
		for i, c := range claims {
			if i == 0 || c.at <= e.at {
				user = c.user
			}
		}
	}
	var walked []said
	for {
		next, found := renamed(all, e.account, user)
		if !found {
			return user
		}
		if again := slices.IndexFunc(walked, func(w said) bool { return w.id == next.id }); again >= 0 {
			return slices.MaxFunc(walked[again:], later).user
		}
		walked, user = append(walked, next), next.user
	}
}

// renamed is the latest alias of an id.
func renamed(all []said, account, id string) (latest said, found bool) {
	for _, a := range all {
		if a.account == account && a.previous == id && id != "" && a.user != "" && a.user != a.visitor && a.user != id && (!found || later(a, latest) > 0) {
			latest, found = a, true
		}
	}
	return latest, found
}

func later(a, b said) int { return cmp.Or(a.at-b.at, strings.Compare(a.user, b.user)) }

// A question about one account reads no other one's claims.
func TestFiltersReachTheKeyThroughEventsIdentified(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	h.tell(0, parse("a7", "v 1, v=ann 2, w=bob<ann 3"))
	plan := h.ask("EXPLAIN indexes = 1 SELECT resolved_user_id, count() FROM $.events_identified WHERE account_id = 'a7' GROUP BY ALL")
	reads, byAccount := strings.Count(plan, "ReadFromMergeTree"), strings.Count(strings.ReplaceAll(plan, `\'`, "'"), "(account_id in ['a7', 'a7'])")
	if reads < 5 || reads != byAccount {
		t.Errorf("of %d reads %d are by the key of the account:\n%s", reads, byAccount, plan)
	}
}

func TestViewsOfIdentitySayWhatTheyAre(t *testing.T) {
	h := newHouse(t)
	h.setup(schemas.Migrations())
	views := h.ask("SELECT name, comment FROM system.tables WHERE database = '$' AND (name LIKE 'identity%' OR name = 'events_identified')")
	if strings.Count(views, "s exact as") != 5 || strings.Count(views, "\n") != 4 {
		t.Errorf("not each says how exact it is:\n%s", views)
	}
}
