// Package dataset makes events whose answers are known: more than 200,000 of them, of three accounts, 45 days and every case that counting goes wrong
// with. It is the same set for the same seed.
//
// What is awkward in it, and where it is made:
//
//   - visit.go: log-ins in mid-session and mid-play, two tabs at once, a browser that two people share, one person's two browsers, sessions and
//     plays across midnight and a month's end, nights of changed clocks, no session id, anonymised events;
//   - items.go: steps again and from any entry, steps of one millisecond, without a place or an interaction, completions without a click, without
//     a play and before it, plays that fail, ids with quotes and other alphabets, empty names, items that are renamed, one id of two kinds of items,
//     answers that are numbers, texts, lists and nothing;
//   - store.go: events a day late, doubles in other blocks and under other times of receipt, ids under two days, re-enriched events, blocks of all
//     sizes, in no order; people who are erased, and dead letters.
package dataset

import (
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// The days of the set, UTC. A month ends in it (February 28), and clocks change on March 8 (America) and March 29 (Europe).
var (
	FirstDay = time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC)
	LastDay  = time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
)

// The accounts. Acme and Globex have items of the same ids; Tiny has few people, so that some of its answers are empty; Fresh has no doubles, but
// events that took long to be stored.
const (
	Acme   = "acme"
	Globex = "globex"
	Tiny   = "tiny"
	Fresh  = "fresh"
)

// A Person is one end user of an account, by the id that events name.
type Person struct{ Account, User string }

// A Set is what is stored and what becomes of it.
type Set struct {
	// Blocks are the inserts into the table events, in their order.
	Blocks [][]*Event
	// Erased are taken out of all tables once the blocks are stored.
	Erased []Person
	// Dead are the rows of dead_events; some are there twice.
	Dead []*Dead
}

// New makes the set of a seed.
func New(seed uint64) *Set {
	rng := rand.New(rand.NewPCG(seed, 1))
	var events []*Event
	for _, a := range accounts() {
		events = append(events, a.live(rng)...)
	}
	set := store(rng, events)
	set.Blocks = append(set.Blocks, fresh(rand.New(rand.NewPCG(seed, 2))))
	set.Dead = dead(rng)
	return set
}

// Stored are the rows that were inserted, in their order, doubles and replaced ones among them, without those of erased people. The model
// (item_activity and its like) has seen these.
func (s *Set) Stored() []*Event {
	erased := make(map[Person]bool)
	for _, person := range s.Erased {
		erased[person] = true
	}
	var out []*Event
	for _, block := range s.Blocks {
		for _, e := range block {
			if !erased[Person{e.Account, e.User}] {
				out = append(out, e)
			}
		}
	}
	return out
}

// Final are the rows that SELECT … FROM events FINAL has: of those with one key the one with the highest epoch, of several the last inserted.
// A double whose client gave another day has another key and is there twice.
func (s *Set) Final() []*Event {
	type key struct {
		account, itemType, item string
		clientDay               time.Time
		id                      uuid.UUID
	}
	at := make(map[key]int)
	var out []*Event
	for _, e := range s.Stored() {
		k := key{e.Account, e.ItemType, e.ItemID, e.ClientTime.Truncate(24 * time.Hour), e.ID}
		i, is := at[k]
		switch {
		case !is:
			at[k] = len(out)
			out = append(out, e)
		case e.Epoch >= out[i].Epoch:
			out[i] = e
		}
	}
	return out
}
